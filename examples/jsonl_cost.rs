//! What the `jsonl` pool costs on molsieve's side, beside a bare pipe that carries the same bytes.
//!
//! ```text
//! cargo build --release --examples && target/release/examples/jsonl_cost target/release/molsieve [RECORDS [BATCH]]
//! ```
//!
//! CPU time is that of this process alone, from `/proc/self/stat` (a resolution of 10 ms).

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use molsieve::clock::Stopwatch;
use molsieve::error::Result;
use molsieve::library::format::Notation;
use molsieve::library::record::RecordBlock;
use molsieve::scorer::command::hello;
use molsieve::scorer::command::jsonl::request;
use molsieve::scorer::command::launch::{Launch, Told, environments};
use molsieve::scorer::command::pool::CommandPool;
use molsieve::scorer::command::settings::{Apart, Limits, Settings};
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::seed::Seeder;
use molsieve::scorer::{Pool, Sink, Source, Supply};
use molsieve::stop::Stop;

/// A structure of ordinary length.
const STRUCTURE: &[u8] = b"CC(=O)Nc1ccc(cc1)S(=O)(=O)N2CCN(CC2)C(=O)c3ccco3";

struct Counter {
    next: u64,
    records: u64,
}

impl Counter {
    fn block(&mut self, max: u64) -> RecordBlock {
        let mut block = RecordBlock::new(Notation::Smiles);
        let end = (self.next + max).min(self.records);
        for ordinal in self.next..end {
            block.push(ordinal, STRUCTURE, b"ZINC000012345678");
        }
        self.next = end;
        block
    }
}

impl Source for Counter {
    fn next(&mut self, max: usize) -> Result<Supply> {
        let block = self.block(max as u64);
        Ok(if block.is_empty() { Supply::End } else { Supply::Records { block, alone: false } })
    }
}

#[derive(Default)]
struct Total(usize);

impl Sink for Total {
    fn started(&mut self, _: &[u64]) -> Result<()> {
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        self.0 += rows.len();
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Seconds of CPU time that this process has used.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

fn pool(launch: &Launch, records: u64, batch: usize) -> Result<usize> {
    let hello = hello::probe(launch, &Vec::new(), Duration::from_secs(20))?;
    let settings = Settings {
        launch: launch.clone(),
        children: environments(1, 1, &[]),
        batch,
        description: hello.description,
        seeder: Seeder::new(1, "echo"),
        files: Vec::new(),
        apart: Apart::OneByOne,
        limits: Limits::default(),
        memory_events: None,
    };
    let (mut source, mut sink) = (Counter { next: 0, records }, Total::default());
    CommandPool::new(settings)?.run(&mut source, &mut sink, &Stop::new())?;
    Ok(sink.0)
}

/// The same requests, made beforehand, through the same child; replies are read as lines and dropped.
fn bare(scorer: &PathBuf, records: u64, batch: usize) -> std::io::Result<(f64, f64)> {
    let (mut source, seeder) = (Counter { next: 0, records }, Seeder::new(1, "echo"));
    let blocks = std::iter::from_fn(|| Some(source.block(batch as u64)).filter(|block| !block.is_empty()));
    let requests: Vec<Vec<u8>> = (1..).zip(blocks).map(|(seq, block)| request::line(seq, &block, &seeder)).collect();
    let mut child = Command::new(scorer).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("no pipes"));
    };
    let (watch, before) = (Stopwatch::start(), cpu_s());
    let count = requests.len();
    let writer = std::thread::spawn(move || requests.iter().try_for_each(|request| input.write_all(request)));
    let (mut output, mut line) = (BufReader::with_capacity(1 << 16, output), Vec::new());
    for _ in 0..=count {
        line.clear();
        output.read_until(b'\n', &mut line)?;
    }
    writer.join().map_err(|_| std::io::Error::other("the writer died"))??;
    let used = (cpu_s() - before, watch.elapsed().as_secs_f64());
    child.wait()?;
    Ok(used)
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let shim = PathBuf::from(arguments.next().unwrap_or_else(|| "target/release/molsieve".into()));
    let mut number = |default: u64| arguments.next().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (records, batch) = (number(1_000_000), number(256) as usize);
    let scorer = std::env::current_exe()?.with_file_name("echo_scorer");
    let told = Told::jsonl(scorer.display().to_string());
    let launch = Launch {
        shim,
        argv: vec![scorer.clone().into()],
        directory: None,
        stderr: None,
        keeper: None,
        is_contained: false,
        told,
    };
    let (watch, before) = (Stopwatch::start(), cpu_s());
    let rows = pool(&launch, records, batch).map_err(|e| std::io::Error::other(e.to_string()))?;
    let (cpu, wall) = (cpu_s() - before, watch.elapsed().as_secs_f64());
    let (bare_cpu, bare_wall) = bare(&scorer, records, batch)?;
    let each = |seconds: f64| seconds * 1e6 / records as f64;
    let mut out = std::io::stdout();
    writeln!(out, "{rows} rows, batch {batch}")?;
    writeln!(out, "pool       {:.3} us CPU a record, {:.3} us wall", each(cpu), each(wall))?;
    writeln!(out, "bare pipe  {:.3} us CPU a record, {:.3} us wall", each(bare_cpu), each(bare_wall))?;
    writeln!(out, "over it    {:.3} us CPU a record", each(cpu - bare_cpu))
}
