//! The fastest scorer that speaks `jsonl`: it answers each record with the length of its structure,
//! without a JSON library. `examples/jsonl_cost.rs` measures molsieve's side of the pipe with it.

use std::io::{BufRead, BufReader, BufWriter, Write};

const HELLO: &str = r#"{"name":"echo","version":"1","columns":[{"name":"score","type":"float"}],"batch_size":65536,"deterministic":true}"#;

fn main() -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, std::io::stdin());
    let mut output = BufWriter::with_capacity(1 << 16, std::io::stdout());
    writeln!(output, "{HELLO}")?;
    output.flush()?;
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        answer(&line, &mut output)?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}

/// Relies on molsieve writing requests without white space, and on ids without `[`.
fn answer(line: &str, output: &mut impl Write) -> std::io::Result<()> {
    let seq = line.trim_start_matches("{\"seq\":").split(',').next().unwrap_or_default();
    write!(output, "{{\"seq\":{seq},\"results\":[")?;
    let records = line.split_once("[[").map_or("", |(_, rest)| rest);
    for (index, record) in records.split("],[").enumerate() {
        let mut fields = record.split(",\"");
        let (ordinal, structure) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
        let length = structure.split('"').next().unwrap_or_default().len();
        let comma = if index == 0 { "" } else { "," };
        write!(output, "{comma}[{ordinal},\"OK\",{{\"score\":{length}.5}}]")?;
    }
    writeln!(output, "]}}")
}
