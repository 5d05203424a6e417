//! What the guides say of SD files and Parquet works, command by command.

use std::io::Write as _;

use crate::support::env::{TestEnv, project};
use crate::support::guide;

/// An SD file of the fixture, each record with a data field `CODE`.
fn records() -> Vec<u8> {
    let text = std::fs::read_to_string(project("tests/fixtures/similarity/molfiles.sdf")).unwrap();
    let mut number = 0;
    let coded = text.split_terminator("$$$$\n").map(|block| {
        number += 1;
        format!("{block}> <CODE>\nL-{number}\n\n$$$$\n")
    });
    coded.collect::<String>().into_bytes()
}

fn place() -> TestEnv {
    let env = TestEnv::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&records()).unwrap();
    env.write("vendor.sdf.gz", gzip.finish().unwrap());
    env.write("vendor.sdf", records());
    env.write(
        "vendor.parquet",
        std::fs::read(project("tests/fixtures/libraries/large-and-dictionary.parquet")).unwrap(),
    );
    env
}

#[test]
fn the_first_campaign_of_an_sd_file_and_of_parquet_is_as_the_guide_says() {
    let env = place();
    let mut ids = Vec::new();
    for (language, code) in guide::section("first-campaign.md", "SD files and Parquet") {
        if language == "sh" {
            guide::shell(&env, &code);
            continue;
        }
        env.write("c.toml", format!("[campaign]\nname = \"c\"\n{code}[scorer]\nkind = \"null\"\n"));
        let dir = format!("d{}", ids.len());
        env.molsieve(["run", "c.toml", "--dir", &dir]).exits(0);
        let rows = std::fs::read_to_string(env.path(&dir).join("pack/summary.csv")).unwrap();
        ids.push(rows.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned());
    }
    assert_eq!(ids, ["L-1", "1"], "ids are those of the field and of the column");
    assert!(env.path("vendor/out/pack/hits.sdf").exists());
}

#[test]
fn a_scorer_of_molblocks_is_as_the_guide_says() {
    let env = place();
    let sections = guide::section("bring-your-own-scorer.md", "Molblocks");
    let of = |language: &str| sections.iter().find(|(found, _)| found == language).unwrap().1.clone();
    env.write("score.py", of("python"));
    env.write("c.toml", format!("[campaign]\nname = \"c\"\n[library]\npath = [\"vendor.sdf\"]\n{}", of("toml")));
    // A dozen records of the fixture are torn on purpose, and this scorer is a short one: their ERROR is as it should be.
    env.molsieve(["run", "c.toml", "--dir", "d"]).exits(0);
    let rows = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    assert!(rows.contains(",ethanol,OK,,3") && rows.contains(",v3000,SKIP,v3000,"), "{rows}");
    guide::shell(&env, "molsieve init mine --library vendor.sdf --scorer command");
}
