//! The answer in words: one screen, a labelled paragraph for each thing to know.

use finwatch_record::{CoverageLevel, FinalizerState, HoldingPath, SiteStack, StopReason};

use super::alert;
use super::dump::Trouble;
use super::explanation::{Explanation, Other, Raised};
use super::frames;
use super::known::Told;
use super::moment::{length, utc, when};
use super::wrap::wrap;
use crate::finalizing;
use crate::holding;
use crate::numbers::{bytes, grouped, milliseconds};
use crate::quote::Plain;
use crate::time;

/// Columns of the labels.
const LABEL: usize = 10;
/// The text is no narrower than this, however narrow the terminal is.
const NARROWEST: usize = 20;
/// So many ways to hold the objects are told, and stacks in which they are made.
const PATHS: usize = 2;
const STACKS: usize = 2;
/// So many frames of a stack.
const FRAMES: usize = 2;
/// A way, or a stack, of fewer than one in so many objects is not worth a line.
const ONE_IN: u64 = 20;
/// So many further alerts, and other JVMs, have a line.
const FURTHER: usize = 3;

/// A label and what stands beside it; no label where it goes on.
pub type Paragraph = (&'static str, String);

/// The text, for a terminal of so many columns. There is nothing in it that a terminal obeys.
pub fn text(explanation: &Explanation, columns: usize) -> String {
    let headline = format!("finwatch: {}", explanation.headline);
    let mut text = wrap(&Plain(&headline).to_string(), columns);
    text.push(String::new());
    text.extend(lines(paragraphs(explanation), columns));
    text.into_iter().map(|line| line + "\n").collect()
}

/// Labels with their texts beside them, escaped, in lines of so many columns.
pub fn lines(paragraphs: Vec<Paragraph>, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(LABEL).max(NARROWEST);
    let mut lines = Vec::new();
    for (mut label, text) in paragraphs {
        for line in wrap(&Plain(&text).to_string(), room) {
            lines.push(format!("{label:LABEL$}{line}"));
            label = "";
        }
    }
    lines
}

fn paragraphs(explanation: &Explanation) -> Vec<Paragraph> {
    let mut all = Vec::new();
    if explanation.has_stream() {
        all.push(since(explanation));
    }
    all.extend(evidence(explanation));
    all.extend(in_dump(explanation));
    if holders_matter(explanation) {
        all.extend(holders(explanation));
        all.extend(sites(explanation));
    }
    all.extend(of_jvm(explanation));
    all.extend(more_in_dump(explanation));
    all.extend(over(explanation));
    all.extend(coverage(explanation));
    all.extend(steps(explanation));
    all.extend(others(explanation));
    all
}

/// What the stream alone tells, for those who have the dump before them: each label and its text, as it came.
pub fn of_stream(explanation: &Explanation) -> Vec<Paragraph> {
    let mut all = vec![("", explanation.headline.clone()), since(explanation)];
    all.extend(evidence(explanation));
    all.extend(doubts(explanation));
    all.extend(sites(explanation));
    all.extend(of_jvm(explanation));
    all.extend(over(explanation));
    all.extend(coverage(explanation));
    all.extend(others(explanation));
    all
}

/// What else there is to say of the JVM, once it is said what is wrong.
fn of_jvm(explanation: &Explanation) -> Vec<Paragraph> {
    let mut all = finalizer_thread(explanation);
    all.extend(stall(explanation));
    all.extend(out_of_memory(explanation));
    all.extend(left(explanation));
    all.extend(also(explanation));
    all
}

fn in_dump(explanation: &Explanation) -> Vec<Paragraph> {
    let Some(dump) = &explanation.dump else {
        return Vec::new();
    };
    let beside_ms = explanation.has_stream().then_some(explanation.span_ms.1);
    let mut all = vec![("Dump", dump.numbers(beside_ms))];
    all.extend(
        dump.damage
            .iter()
            .map(|damage| ("Damage", format!("{damage}."))),
    );
    let notes = dump.notes.iter();
    all.extend(notes.map(|note| ("Note", format!("{note}."))));
    all.extend(doubts(explanation));
    let meaning = dump.meaning().enumerate();
    all.extend(meaning.map(|(place, finding)| {
        let label = if place == 0 { "Means" } else { "" };
        (label, format!("{}.", finding.text))
    }));
    all
}

/// Whether the dump and the stream are of one JVM.
fn doubts(explanation: &Explanation) -> Option<Paragraph> {
    let doubts = &explanation.dump.as_ref()?.doubts;
    (!doubts.is_empty()).then(|| {
        let why = doubts.join("; ");
        (
            "Doubt",
            format!("the dump seems NOT to be of the stream's JVM: {why}."),
        )
    })
}

fn since(explanation: &Explanation) -> Paragraph {
    let (first_ms, last_ms) = explanation.span_ms;
    let last = when(last_ms, last_ms);
    let end = match explanation.stopped {
        Some(StopReason::VmDeath) => format!("the JVM ended at {last}"),
        Some(StopReason::Detach) => format!("finwatch was detached at {last}"),
        None => format!("the last record is of {last}"),
    };
    match explanation.alerts.first() {
        Some(first) => {
            let since_ms = began_ms(first);
            let ago = length(last_ms.saturating_sub(since_ms));
            ("Since", format!("{}, {ago} ago ({end}).", utc(since_ms)))
        }
        None => {
            let lasted = length(last_ms.saturating_sub(first_ms));
            let records = grouped(explanation.records);
            let since = utc(first_ms);
            let text = format!("since {since}, for {lasted}, {records} records; {end}.");
            ("Watched", text)
        }
    }
}

/// Since when the condition holds, milliseconds since 1970.
fn began_ms(raised: &Raised) -> u64 {
    let alert = &raised.alert;
    time::parse(&alert.what.since).unwrap_or(alert.at_ms)
}

fn evidence(explanation: &Explanation) -> Option<Paragraph> {
    let first = &explanation.alerts.first()?.alert;
    let evidence = alert::evidence(&first.what);
    let told = when(first.at_ms, explanation.span_ms.1);
    (!evidence.is_empty()).then(|| ("Evidence", format!("{evidence} (told at {told}).")))
}

/// Whether who holds the objects says anything about what is wrong.
fn holders_matter(explanation: &Explanation) -> bool {
    let dump = explanation.dump.as_ref();
    let in_dump = dump.and_then(|dump| dump.trouble.as_ref());
    match explanation.alerts.first() {
        Some(first) => !alert::is_of_thread(first.alert.what.kind),
        None => in_dump.is_some_and(Trouble::is_of_held),
    }
}

fn holders(explanation: &Explanation) -> Vec<Paragraph> {
    let Some(told) = &explanation.holders else {
        return not_known_who_holds(explanation).into_iter().collect();
    };
    let holders = &told.what;
    let about = match holders.sampled {
        Some(_) => "about ",
        None => "",
    };
    let softly = holders.softly_held.unwrap_or(0);
    let others = [
        (softly, "by soft references alone"),
        (holding::by_nobody(holders).unwrap_or(0), "by nobody"),
    ];
    let others = others.map(|(count, by)| match count {
        0 => String::new(),
        _ => format!(", {} {by}", grouped(count)),
    });
    let is_of_dump = explanation
        .dump
        .as_ref()
        .is_some_and(|dump| dump.has_holders);
    let source = match is_of_dump {
        true => "in the dump".to_owned(),
        false => format!("looked at {}", when(told.at_ms, explanation.span_ms.1)),
    };
    let all_paths = || holders.paths.iter().chain(&holders.soft_paths);
    let colon = if all_paths().next().is_none() {
        ""
    } else {
        ":"
    };
    let known = if holders.complete { "" } else { "known to be " };
    let head = format!(
        "{about}{} of {} in the heap are {known}held{} ({source}){colon}",
        grouped(holders.held),
        grouped(holders.instances),
        others.concat()
    );
    let mut all = vec![("Held by", head)];
    let matters = |place: usize, path: &HoldingPath| {
        place == 0 || path.count.saturating_mul(ONE_IN) >= holders.held + softly
    };
    let paths = all_paths().enumerate().take(PATHS);
    let paths = paths.filter(|(place, path)| matters(*place, path));
    all.extend(paths.map(|(_, path)| {
        let words = holding::path(path);
        ("", format!("{} by {words}", grouped(path.count)))
    }));
    if let Some(reason) = &holders.incomplete_reason {
        all.push(("", format!("Not the whole answer: {reason}.")));
    }
    all
}

fn not_known_who_holds(explanation: &Explanation) -> Option<Paragraph> {
    let alert = &explanation.alerts.first()?.alert.what;
    let class = alert.class.as_deref().or(alert.cause_class.as_deref())?;
    let text = match (explanation.is_asked_by_pid, explanation.stopped) {
        (true, None) => {
            let pid = explanation.pid;
            format!("not known yet: finwatch holders {pid} {class} finds out.")
        }
        _ => "the stream does not tell.".to_owned(),
    };
    Some(("Held by", text))
}

fn sites(explanation: &Explanation) -> Vec<Paragraph> {
    let Some(Told { what: sites, .. }) = &explanation.sites else {
        return Vec::new();
    };
    let matters =
        |place: usize, stack: &SiteStack| place == 0 || sites.share(stack) * ONE_IN as f64 >= 1.0;
    let stacks = sites.stacks.iter().enumerate().take(STACKS);
    let stacks = stacks.filter(|(place, stack)| matters(*place, stack));
    let told = |(place, stack): (usize, &SiteStack)| {
        let label = if place == 0 { "Made in" } else { "" };
        let frames = frames::words(&stack.frames, FRAMES);
        let (percent, sampled) = (100.0 * sites.share(stack), grouped(sites.sampled));
        (
            label,
            format!("{frames} ({percent:.0}% of them; {sampled} looked at)"),
        )
    };
    stacks.map(told).collect()
}

fn finalizer_thread(explanation: &Explanation) -> Vec<Paragraph> {
    let Some(told) = explanation.troubled_thread() else {
        return Vec::new();
    };
    let thread = &told.what;
    let told_ms = explanation.span_ms.1.saturating_sub(told.at_ms);
    let mut words = format!(
        "The finalizer thread {}.",
        finalizing::words(thread, told_ms)
    );
    // Where it waits for work says nothing.
    if !thread.stack.is_empty() && thread.state != FinalizerState::Waiting {
        words += &format!(" It is in {}.", frames::words(&thread.stack, FRAMES));
    }
    let owner = thread.lock.as_ref().and_then(|lock| lock.owner.as_ref());
    if let Some(owner) = owner.filter(|owner| !owner.stack.is_empty()) {
        let frames = frames::words(&owner.stack, FRAMES);
        words += &format!(" '{}' is in {frames}.", owner.thread);
    }
    let handler = &thread.reference_handler.stack;
    if !handler.is_empty() {
        let frames = frames::words(handler, FRAMES);
        words += &format!(" That is in {frames}.");
    }
    vec![("Thread", words)]
}

fn stall(explanation: &Explanation) -> Option<Paragraph> {
    let stall = &explanation.stall.as_ref()?.what;
    let pause = match stall.in_gc_pause {
        true => " in a pause of the collector",
        false => "",
    };
    let lasted = milliseconds(stall.duration_ms);
    let text = format!("The JVM STANDS STILL{pause}, for {lasted} when it was last told.");
    Some(("Stall", text))
}

fn out_of_memory(explanation: &Explanation) -> Option<Paragraph> {
    let told = explanation.oom.as_ref()?;
    let oom = &told.what;
    let worst = oom.classes.iter().max_by_key(|row| row.counts.registered);
    let worst = worst.map(|row| {
        let registered = grouped(row.counts.registered);
        format!(", {registered} of them {}", row.class)
    });
    let over = match explanation.oom_is_over {
        true => " It is over.",
        false => "",
    };
    let text = format!(
        "OutOfMemoryError at {} ({}), with {} objects registered{}.{over}",
        when(told.at_ms, explanation.span_ms.1),
        oom.description,
        grouped(oom.finalizer.registered),
        worst.unwrap_or_default()
    );
    Some(("Memory", text))
}

fn left(explanation: &Explanation) -> Option<Paragraph> {
    let heap = explanation.heap.as_ref();
    if explanation.is_wrong && explanation.has_stream() {
        let text = explanation.outlook.words(heap, explanation.span_ms.1);
        return Some(("Time left", text));
    }
    let heap = heap?;
    let of = heap.max_bytes.map(|max| format!(" of {}", bytes(max)));
    let text = format!("{}{} used.", bytes(heap.used_bytes), of.unwrap_or_default());
    Some(("Heap", text))
}

fn also(explanation: &Explanation) -> Vec<Paragraph> {
    let further = explanation.alerts.get(1..).unwrap_or_default();
    let told = |raised: &Raised| {
        let follows = match raised.is_consequence {
            true => ", and follows from that",
            false => "",
        };
        let since = when(began_ms(raised), explanation.span_ms.1);
        format!("{}, since {since}{follows}.", raised.headline)
    };
    few("Also", further, "alerts", told)
}

/// How much more there is in the dump.
fn more_in_dump(explanation: &Explanation) -> Option<Paragraph> {
    let dump = explanation.dump.as_ref().filter(|dump| dump.untold() > 0)?;
    let (more, file) = (dump.untold(), &dump.file);
    let what = if more == 1 { "finding" } else { "findings" };
    let text = format!("{more} more {what} in the dump: finwatch heap {file}");
    Some(("Besides", text))
}

fn others(explanation: &Explanation) -> Vec<Paragraph> {
    let told = |other: &Other| format!("{} ({})", other.headline, utc(other.last_ms));
    few("Besides", &explanation.others, "JVMs in the files", told)
}

/// The first few of them, each in a paragraph, and how many more there are.
fn few<T>(
    label: &'static str,
    all: &[T],
    what: &str,
    told: impl Fn(&T) -> String,
) -> Vec<Paragraph> {
    let mut texts: Vec<String> = all.iter().take(FURTHER).map(told).collect();
    if all.len() > FURTHER {
        texts.push(format!("And {} more {what}.", all.len() - FURTHER));
    }
    let label = |place| if place == 0 { label } else { "" };
    let texts = texts.into_iter().enumerate();
    texts.map(|(place, text)| (label(place), text)).collect()
}

fn over(explanation: &Explanation) -> Option<Paragraph> {
    let last = explanation.cleared.first()?;
    let now_ms = explanation.span_ms.1;
    let began_ms = time::parse(&last.what.since).unwrap_or(last.at_ms);
    let more = match explanation.cleared.len() {
        1 => String::new(),
        all => format!(", and {} more before", grouped(all as u64 - 1)),
    };
    let text = format!(
        "{} from {} to {}{more}.",
        alert::name(&last.what),
        when(began_ms, now_ms),
        when(last.at_ms, now_ms)
    );
    Some(("Over", text))
}

fn coverage(explanation: &Explanation) -> Option<Paragraph> {
    let coverage = explanation.coverage.as_ref()?;
    let is_good = matches!(
        coverage.level,
        CoverageLevel::Exact | CoverageLevel::Baseline
    );
    (!is_good).then(|| ("Counts", format!("not exact: {}.", coverage.reason)))
}

fn steps(explanation: &Explanation) -> Vec<Paragraph> {
    let numbered = |(place, step): (usize, &String)| {
        let label = if place == 0 { "To do" } else { "" };
        (label, format!("{}. {step}", place + 1))
    };
    explanation.steps.iter().enumerate().map(numbered).collect()
}
