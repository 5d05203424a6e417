//! Any structure among the hits is drawn as one well-formed `svg` element of finite numbers, or not drawn.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::library::format::Notation;
use molsieve::pack::report::draw::draw;

fuzz_target!(init: {
    // A panic in the thread that draws means that there is no drawing; only what gets out of it is a find.
    std::panic::set_hook(Box::new(|_| {}));
}, |data: &[u8]| {
    let label = String::from_utf8_lossy(data);
    for notation in [Notation::Smiles, Notation::Molblock] {
        let Some(drawing) = draw(data, notation, &label) else { continue };
        let svg = drawing.svg.as_str();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), 1, "{svg}");
    }
});
