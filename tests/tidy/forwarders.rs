//! An adapter around an adapter hands on every question: a method with a default that it does not have would be answered by the
//! default, and the scheduler never hear of it.

use super::demand;
use super::source::{self, Source, rust_sources};

/// Where the trait is.
const TRAIT: &str = "adapters/src/adapter.rs";

/// What the first line of an adapter around an adapter has behind `impl`, before and after its type.
const AROUND: [&str; 2] = ["<A: Adapter> Adapter for ", " Adapter for Box<dyn Adapter>"];

/// The methods of the block that begins with the line `head`: each name, and what is between its first line and the next method.
fn methods<'a>(text: &'a str, head: &str) -> Vec<(&'a str, &'a str)> {
    let block = text.split_once(head).map_or("", |(_, block)| block);
    let block = block.split_once("\n}").map_or(block, |(block, _)| block);
    let named = block.split("\n    fn ").skip(1);
    named.filter_map(|method| Some((method.split(['(', '<']).next()?, method.split_once('(')?.1))).collect()
}

/// The first lines of what hands on, in `text`.
fn around(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("impl") && AROUND.iter().any(|around| line.contains(around)))
}

/// What the block of `text` that begins with `head` does not hand on of `all`.
fn forgotten<'a>(text: &str, head: &str, all: &[&'a str]) -> Vec<&'a str> {
    let own = methods(text, head);
    // (To hand on may be to ask something else of it, or by way of a method of its own.)
    let asks = |body: &str| ["self.", "(**self)."].iter().any(|other| body.contains(other));
    let hands_on = |name: &str| own.iter().any(|(method, body)| *method == name && asks(body));
    all.iter().filter(|name| !hands_on(name)).copied().collect()
}

#[test]
fn an_adapter_around_an_adapter_hands_on_every_question() {
    let joint = source::read(TRAIT);
    let all: Vec<&str> = methods(&joint, "pub trait Adapter").into_iter().map(|(name, _)| name).collect();
    assert!(all.contains(&"submit") && all.contains(&"survey"), "the trait is not found in {TRAIT}: {all:?}");
    let (mut seen, mut found) = (0, Vec::new());
    for Source { name, text } in rust_sources().iter().filter(|source| !source.name.starts_with("tests/")) {
        for head in around(text) {
            seen += 1;
            found.extend(forgotten(text, head, &all).iter().map(|method| format!("{name}: `{head}`: `{method}`")));
        }
    }
    assert!(seen >= 3, "Patient, Throttled and Box<dyn Adapter> are not all found: {seen}");
    demand("an adapter around an adapter asks the other one, whatever it is asked", &found);
}

#[test]
fn what_is_not_handed_on_is_seen() {
    let text = "impl<A: Adapter> Adapter for Deaf<A> {\n    fn submit(&mut self) {\n        self.inner.submit()\n    }\n\n    \
                fn wait(&mut self, time: Duration) {\n        sleep(time);\n    }\n}\n\nfn find() { a.find() }\n";
    let head = around(text).next().unwrap();
    assert_eq!(forgotten(text, head, &["submit", "wait", "find"]), ["wait", "find"]);
}
