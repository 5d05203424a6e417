//! One element of an argument vector with fields in braces: `--in={in}`.
//!
//! A field stands for text inside its element and never for more than one element: no shell reads it.
//! `{{` and `}}` stand for the braces themselves.

/// A part of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

/// An element of an argument vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads `text`, whose fields must be among `known`.
    ///
    /// # Errors
    /// A field is not known, or a brace stands alone; in words.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let from = &rest[at..];
            if from.starts_with("{{") || from.starts_with("}}") {
                plain.push_str(&from[..1]);
                rest = &from[2..];
                continue;
            }
            let field = from.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            let Some((name, after)) = field else {
                return Err(format!("`{text}` holds a brace that stands alone (write `{{{{` or `}}}}` for one)"));
            };
            if !known.contains(&name) {
                let list = known.iter().map(|field| format!("{{{field}}}")).collect::<Vec<_>>().join(" ");
                return Err(format!("`{text}` holds `{{{name}}}`, which stands for nothing here (known are: {list})"));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Field(name.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// An element that is `text`, braces and all.
    pub fn text(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// Whether it holds the field `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Field(field) if field == name))
    }

    /// Its text, if it holds no field.
    pub fn literal(&self) -> Option<String> {
        match self.0.as_slice() {
            [] => Some(String::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// The field that it begins with.
    pub fn first_field(&self) -> Option<&str> {
        match self.0.first() {
            Some(Part::Field(name)) => Some(name),
            _ => None,
        }
    }

    /// The element with its fields filled in.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        let text = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Field(name) => value(name),
        });
        text.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let value = |name: &str| if name == "in" { "/tmp/a b" } else { "{in}" };
        Template::parse(text, &["in", "out"]).map(|template| template.fill(value))
    }

    #[test]
    fn fields_are_filled_in_once_and_nothing_else_is() {
        assert_eq!(filled("--in={in}").unwrap(), "--in=/tmp/a b");
        assert_eq!(filled("{in}{out}").unwrap(), "/tmp/a b{in}");
        assert_eq!(filled("$(rm {in}); `x`").unwrap(), "$(rm /tmp/a b); `x`");
        assert_eq!(filled("{{in}} {{{in}}}").unwrap(), "{in} {/tmp/a b}");
        assert_eq!(filled("").unwrap(), "");
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for bad in ["{x}", "{}", "{ in}", "{IN}", "{in", "in}", "{", "}", "{in}}", "{{in}", "{i{n}}"] {
            assert!(filled(bad).is_err(), "{bad}");
        }
        assert!(filled("{x}").unwrap_err().contains("known are: {in} {out}"));
    }

    #[test]
    fn an_element_without_fields_is_its_text() {
        let of = |text| Template::parse(text, &["in"]).unwrap();
        assert_eq!(of("a{{b").literal().unwrap(), "a{b");
        assert_eq!((of("{in}").literal(), of("x{in}").first_field()), (None, None));
        assert_eq!(of("{in}x").first_field(), Some("in"));
    }
}
