//! The list for people: a line for each JVM, columns as wide as what is in them.

use std::io::{self, Write};

use super::Row;
use crate::quote::Plain;

const HEADING: [&str; 6] = ["PID", "USER", "VERSION", "PROGRAM", "WATCHED", "STREAM"];
/// Of what is only there to be recognized.
const WIDEST: usize = 40;

/// Writes the table; a heading alone where there is no JVM.
pub fn write(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let lines: Vec<[String; 6]> = [HEADING.map(str::to_owned)]
        .into_iter()
        .chain(rows.iter().map(cells))
        .collect();
    let widths: [usize; 6] = std::array::from_fn(|at| {
        lines
            .iter()
            .map(|cells| width(&cells[at]))
            .max()
            .unwrap_or(0)
    });
    for cells in &lines {
        let padded = cells
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(at, (cell, widest))| {
                let padding = " ".repeat(widest - width(cell));
                match at {
                    0 => format!("{padding}{cell}"),
                    _ => format!("{cell}{padding}"),
                }
            });
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn cells(row: &Row) -> [String; 6] {
    let plain = |text: &str| Plain(text).to_string();
    let known = |text: &Option<String>| shortened(&plain(text.as_deref().unwrap_or("?")));
    let watch = row.watch.as_ref();
    let watched = match (row.watched, watch) {
        (Some(true), Some(watch)) => plain(&watch.coverage),
        (Some(_), _) => "no".to_owned(),
        (None, _) => "?".to_owned(),
    };
    let out = watch
        .filter(|watch| watch.is_watching())
        .map(|watch| &watch.out);
    let stream = row
        .stream_here
        .as_ref()
        .filter(|_| row.watched == Some(true))
        .or(out);
    let stream = match (stream, &row.unknown) {
        (Some(stream), _) => plain(stream),
        (None, Some(why)) => format!("({})", Plain(why)),
        (None, None) => String::new(),
    };
    [
        row.pid.to_string(),
        shortened(&plain(&row.user)),
        known(&row.version),
        known(&row.program),
        watched,
        stream,
    ]
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The end of a name says more than its beginning.
fn shortened(text: &str) -> String {
    match width(text).checked_sub(WIDEST) {
        Some(over @ 1..) => {
            let kept: String = text.chars().skip(over + 1).collect();
            format!("…{kept}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jvm::Watch;

    fn row(pid: u32, program: &str) -> Row {
        Row {
            pid,
            own_pid: pid,
            container: Some(false),
            user: "app".into(),
            uid: 1000,
            version: Some("17.0.21".into()),
            program: Some(program.into()),
            watched: Some(false),
            watch: None,
            stream_here: None,
            unknown: None,
        }
    }

    fn watched(mut row: Row) -> Row {
        row.watched = Some(true);
        row.stream_here = Some("/srv/s.jsonl".into());
        row.watch = Some(Watch {
            agent: "0.1.0".into(),
            mode: "attach".into(),
            state: "watching".into(),
            out: "/srv/s.jsonl".into(),
            coverage: "baseline".into(),
            since: "2026-11-25T00:00:00Z".into(),
            changes: 0,
            library: None,
            holders: Vec::new(),
            message: None,
        });
        row
    }

    fn unreadable(mut row: Row) -> Row {
        row.version = None;
        row.watched = None;
        row.unknown = Some("not allowed".into());
        row
    }

    #[test]
    fn columns_stand_below_each_other() {
        let long = format!("com.acme.{}.Main\u{1b}[2J", "x".repeat(60));
        let rows = [
            watched(row(7, "Main")),
            row(4711, &long),
            unreadable(row(12, "app.jar")),
        ];
        let mut out = Vec::new();
        write(&mut out, &rows).unwrap();
        let long = format!("…{}.Main\\u{{1b}}[2J", "x".repeat(25));
        let expected = [
            " PID  USER  VERSION  PROGRAM                                   WATCHED   STREAM"
                .to_owned(),
            format!("   7  app   17.0.21  {:40}  baseline  /srv/s.jsonl", "Main"),
            format!("4711  app   17.0.21  {long}  no"),
            format!(
                "  12  app   ?        {:40}  ?         (not allowed)",
                "app.jar"
            ),
        ];
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_jvm_is_a_heading() {
        let mut out = Vec::new();
        write(&mut out, &[]).unwrap();
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
