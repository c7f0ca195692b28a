//! What `finwatch heap` costs, and other analysers with the same questions: CPU time and peak memory on dumps with a leak
//! of 1 and of 5 million Finalizers, and on a mixed heap without one. And whether they say the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use finwatch_record::{Body, HeapDump, Record};

use super::analysers::{Analyser, Analysers, UNFINISHED};
use super::arguments::Arguments;
use super::cost::{self, Cost, least};
use super::dumps::{RECIPES, Recipe, Use};
use super::machine;
use super::retained::{Comparable, Comparison};
use super::setup::{self, Setup, output};

const HELP: &str = "\
Measures what `finwatch heap` costs, on dumps that it makes once and keeps in target/bench, and compares its answers
with those of other analysers, which Maven fetches.

Usage: cargo run --release -p finwatch-tests --bin heap_bench -- [--short] [--alone] [FILE.hprof]...

  --short   the smaller dumps only
  --alone   finwatch alone, which needs no Maven
  FILE      other dumps to measure finwatch with besides

Prints Markdown tables. Costs: CPU seconds and peak memory, of finwatch the least of three runs, of others one run.
Retained sizes: ends with 1 where two analysers that should say the same do not.";

const RUNS: usize = 3;

/// Makes the dumps, measures, compares, prints the tables.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let arguments: Vec<String> = arguments.collect();
    if cost::measured(&arguments)? {
        return Ok(());
    }
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{HELP}");
        return Ok(());
    }
    let (options, files): (Vec<_>, Vec<_>) = arguments
        .into_iter()
        .partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = options
        .iter()
        .find(|option| !["--short", "--alone"].contains(&option.as_str()))
    {
        bail!("`{unknown}` is no option of this command: --help lists them");
    }
    let given = |name: &str| options.iter().any(|option| option == name);
    let setup = Setup::new(&Arguments {
        null: true,
        short: given("--short"),
        ..Arguments::default()
    })?;
    let others = (!given("--alone")).then(|| Analysers::new(&setup));
    let bench = HeapBench {
        finwatch: setup::finwatch()?,
        others: others.transpose()?,
        setup,
    };
    bench.run(&files)
}

struct HeapBench {
    finwatch: PathBuf,
    others: Option<Analysers>,
    setup: Setup,
}

impl HeapBench {
    fn run(&self, files: &[String]) -> Result<()> {
        println!("{}; {}\n", machine::description(), machine::load_line());
        println!(
            "| dump | MB | analyser | answer | CPU s | elapsed s | peak MB | peak / dump | CPU ratio | peak ratio |"
        );
        println!("| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        for file in files {
            self.cost(file, Path::new(file))?;
        }
        let mut comparison = Comparison::default();
        let measured = |recipe: &&Recipe| match recipe.use_for {
            Use::Cost => true,
            Use::LongCost => !self.setup.short,
            Use::Sizes => false,
        };
        for recipe in RECIPES.iter().filter(measured) {
            let dump = recipe.make(&self.setup)?;
            let whole = self.cost(recipe.name, &dump)?;
            if let Some(others) = &self.others {
                let (finwatch, classes) = self.answer(&dump)?;
                let ask = |analyser: &Analyser| {
                    let (cost, text) = least(1, || analyser.command(&dump, &classes))?;
                    let answer = analyser.answer(&text)?;
                    let asked = match answer.contains_key(UNFINISHED) {
                        true => "classes, retained: gave up",
                        false => "classes, retained",
                    };
                    let columns = [analyser.name, asked];
                    row(recipe.name, &dump, columns, cost, Some(whole))?;
                    Ok::<_, anyhow::Error>(answer)
                };
                let (mat, _) = (ask(&others.mat)?, ask(&others.netbeans)?);
                comparison.add(recipe.name, &finwatch, &mat, Comparable::Objects)?;
            }
        }
        let Some(others) = &self.others else {
            return Ok(());
        };
        let sizes = |recipe: &&Recipe| recipe.use_for == Use::Sizes;
        for recipe in RECIPES.iter().filter(sizes) {
            let dump = recipe.make(&self.setup)?;
            let (finwatch, classes) = self.answer(&dump)?;
            let text = output(&mut others.mat.command(&dump, &classes)?)?;
            let mat = others.mat.answer(&text)?;
            comparison.add(recipe.name, &finwatch, &mat, Comparable::Bytes)?;
        }
        println!("\n{comparison}");
        let differences = comparison.differences();
        ensure!(
            differences.is_empty(),
            "analysers that should say the same do not:\n{}",
            differences.join("\n")
        );
        Ok(())
    }

    /// What each answer of finwatch costs; gives that of the whole one.
    fn cost(&self, name: &str, dump: &Path) -> Result<Cost> {
        let of = |option: Option<&str>| {
            let (cost, _) = least(RUNS, || Ok(self.heap(option, dump)))?;
            Ok::<_, anyhow::Error>(cost)
        };
        let (summary, whole) = (of(Some("--summary"))?, of(None)?);
        row(name, dump, ["finwatch", "summary"], summary, None)?;
        row(name, dump, ["finwatch", "whole"], whole, None)?;
        Ok(whole)
    }

    fn heap(&self, option: Option<&str>, dump: &Path) -> Command {
        let mut command = Command::new(&self.finwatch);
        command.arg("heap").args(option).arg(dump);
        command
    }

    /// The answer as a record, and the classes that others are to be asked about.
    fn answer(&self, dump: &Path) -> Result<(HeapDump, Vec<String>)> {
        let text = output(&mut self.heap(Some("--json"), dump))?;
        let first = text.lines().next().unwrap_or_default();
        let Body::HeapDump(answer) = Record::parse(first)?.body else {
            bail!("finwatch's answer begins with {first}");
        };
        let classes = answer.classes.iter().map(|class| class.class.clone());
        let classes = classes.collect();
        Ok((*answer, classes))
    }
}

fn row(
    name: &str,
    dump: &Path,
    [analyser, answer]: [&str; 2],
    cost: Cost,
    finwatch: Option<Cost>,
) -> Result<()> {
    let bytes = dump
        .metadata()
        .with_context(|| format!("no dump at {}", dump.display()))?
        .len() as f64;
    let peak = cost.peak_kib as f64 * 1024.0;
    let ratios = finwatch.map(|finwatch| {
        format!(
            "{:.0} | {:.1}",
            cost.cpu_ms / finwatch.cpu_ms,
            cost.peak_kib as f64 / finwatch.peak_kib as f64
        )
    });
    println!(
        "| {name} | {:.0} | {analyser} | {answer} | {:.2} | {:.2} | {:.0} | {:.2} | {} |",
        bytes / 1e6,
        cost.cpu_ms / 1e3,
        cost.elapsed_ms / 1e3,
        peak / 1e6,
        peak / bytes,
        ratios.as_deref().unwrap_or(" | "),
    );
    Ok(())
}
