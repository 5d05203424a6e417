"""Judges a report from outside: check_report.py report.html

Well-formed (every element closed in order), one file (nothing is loaded), no script, a policy that
says so, headings in order, every picture described, every link within the page and its target there.
Prints what the page says as text, so that tests can look for words in it.
"""
import html.parser
import sys

VOID = {"meta", "br", "hr", "img", "link", "input"}
LOADS = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "source", "base", "form", "image", "use", "foreignobject"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.ids, self.links, self.heads, self.policy = [], [], [], [], [], None

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, "an attribute twice", attrs)
        attrs = dict(attrs)
        assert tag not in LOADS, f"<{tag}> loads something"
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcset", "xlink:href", "action", "background"), (tag, name)
            assert "url(" not in (value or ""), (tag, name, value)
        if tag == "a":
            assert attrs["href"].startswith("#"), attrs
            self.links.append(attrs["href"][1:])
        if tag == "svg":
            assert attrs.get("role") == "img" and attrs.get("aria-label"), ("a picture that nobody describes", attrs)
        if tag == "meta" and attrs.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = attrs["content"]
        if tag in ("h1", "h2", "h3"):
            self.heads.append(int(tag[1]))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, "closes", self.open[-3:], self.getpos())
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            assert "@import" not in data and "url(" not in data
        else:
            self.text.append(data)


page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
page.close()
assert not page.open, page.open
assert page.policy and page.policy.startswith("default-src 'none'"), page.policy
assert page.heads[0] == 1 and page.heads.count(1) == 1 and all(b - a <= 1 for a, b in zip(page.heads, page.heads[1:])), page.heads
assert len(page.ids) == len(set(page.ids)), page.ids
assert set(page.links) <= set(page.ids), set(page.links) - set(page.ids)
assert "http://" not in text and "https://" not in text
print(" ".join(" ".join(page.text).split()))
