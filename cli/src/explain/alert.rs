//! What an alert says, in words. As it came: not escaped.

use finwatch_record::{Alert, AlertKind, Counts};

use crate::numbers::{bytes, grouped, milliseconds, rate, time};

/// The counts at the end of the stream, newer than those of the alert.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now {
    /// Of the alert's class.
    pub class: Option<Counts>,
    /// Of all classes.
    pub whole: Option<Counts>,
}

/// What is wrong, one sentence without its end; it goes on where [`subject`] stopped.
pub fn headline(alert: &Alert, now: Now) -> String {
    let numbers = Numbers(alert);
    let class = alert.class.as_deref().unwrap_or("no class in particular");
    let of_class = |count: fn(&Counts) -> u64, name: &str| {
        let number = now.class.as_ref().map(count);
        number.map(grouped).or_else(|| numbers.count(name))
    };
    let of_whole = |count: fn(&Counts) -> u64, name: &str| {
        let number = now.whole.as_ref().map(count);
        let number = number.map(grouped).or_else(|| numbers.count(name));
        number.unwrap_or_else(unknown)
    };
    let registered = of_class(|counts| counts.registered - pending(counts), "registered");
    let registered = registered.unwrap_or_else(unknown);
    let waiting = of_whole(|counts| counts.pending, "pending");
    match alert.kind {
        AlertKind::RegisteredLeak => {
            format!("LEAKING: {registered} {class} are registered and held")
        }
        AlertKind::RegisteredFloating => {
            let word = match numbers.number("thread_share") {
                Some(share) if share >= 1.0 => "MAKING MORE THAN IT CAN FINALIZE",
                _ => "PERHAPS LEAKING",
            };
            format!(
                "{word}: {registered} {class} are registered, and no collection has looked yet whether \
                 they are held"
            )
        }
        AlertKind::FinalizerStuck => format!(
            "the finalizer thread is STUCK in {class}.finalize(), and {waiting} objects wait"
        ),
        AlertKind::ReferenceHandlerStalled => {
            "the Reference Handler is STUCK: no dead object is queued, so none is finalized"
                .to_owned()
        }
        AlertKind::FinalizerDead => format!(
            "the finalizer thread is DEAD: {waiting} objects wait, and none will be finalized"
        ),
        AlertKind::FinalizerSlow => {
            format!("the finalizer thread is SLOW: its time goes into {class}.finalize()")
        }
        AlertKind::PendingGrowth => format!(
            "the finalizer thread FALLS BEHIND: {waiting} objects wait, most of them {class}"
        ),
        AlertKind::FinalizerThrows => {
            let threw = of_class(|counts| counts.threw_total, "threw_total");
            let threw = threw.unwrap_or_else(unknown);
            format!("{class}.finalize() THROWS: {threw} calls ended with an exception so far")
        }
        AlertKind::FinalizerResurrects => {
            let ended = now.class.as_ref().map(Counts::ended);
            let share = numbers.number("survived_share");
            let survived = ended.zip(share).map(|(ended, share)| ended as f64 * share);
            let survived = survived.map(|survived| grouped(survived as u64));
            format!(
                "{class}.finalize() RESURRECTS its objects: about {} of them stay in the heap",
                survived
                    .or_else(|| numbers.count("resurrected_estimate"))
                    .unwrap_or_else(unknown)
            )
        }
        AlertKind::HeapExhaustion => format!(
            "the heap FILLS UP: {} of {} are in use after collections",
            numbers.bytes("heap_live_bytes").unwrap_or_else(unknown),
            numbers.bytes("heap_max_bytes").unwrap_or_else(unknown)
        ),
        AlertKind::Unknown => {
            format!("there is an ALERT of a kind that this finwatch does not know, about {class}")
        }
    }
}

/// Names the JVM so that the headline of an alert can go on.
pub fn subject(kind: AlertKind, jvm: &str) -> String {
    match kind {
        AlertKind::RegisteredLeak | AlertKind::RegisteredFloating => format!("{jvm} is "),
        _ => format!("{jvm}: "),
    }
}

/// The class whose objects are the trouble, and its loader.
pub fn class_of(alert: &Alert) -> Option<(&str, Option<&str>)> {
    match (&alert.class, &alert.cause_class) {
        (Some(class), _) => Some((class, alert.loader.as_deref())),
        (None, cause) => cause.as_deref().map(|class| (class, None)),
    }
}

/// Whether an alert is about what the finalizer thread does, and not about who holds objects.
pub fn is_of_thread(kind: AlertKind) -> bool {
    use AlertKind::*;
    matches!(
        kind,
        PendingGrowth
            | FinalizerStuck
            | FinalizerSlow
            | FinalizerDead
            | FinalizerThrows
            | ReferenceHandlerStalled
    )
}

fn pending(counts: &Counts) -> u64 {
    counts.pending.min(counts.registered)
}

fn unknown() -> String {
    "some".to_owned()
}

/// What an alert that is over was about.
pub fn name(alert: &Alert) -> String {
    let kind = crate::top::alert_kind(alert.kind);
    match &alert.class {
        Some(class) => format!("{kind}, {class}"),
        None => kind.to_owned(),
    }
}

/// The numbers that led to it, as they were then.
pub fn evidence(alert: &Alert) -> String {
    let numbers = Numbers(alert);
    let clauses = match alert.kind {
        AlertKind::RegisteredLeak => vec![
            numbers.say("registered", Numbers::count, " registered"),
            numbers.say("pending", Numbers::count, " of them pending"),
            numbers.found_held(),
            numbers.say("held_growth_per_s", Numbers::rate, " more a second"),
            numbers.say(
                "bytes_per_object_estimate",
                Numbers::bytes,
                " each (estimate)",
            ),
            numbers.say(
                "heap_share_estimate",
                Numbers::percent,
                " of the heap (estimate)",
            ),
            numbers.of_heap("heap_used_after_gc_bytes"),
        ],
        AlertKind::RegisteredFloating => vec![
            numbers.say("undecided", Numbers::count, " not looked at"),
            numbers.say("registered", Numbers::count, " registered"),
            numbers.say("pending", Numbers::count, " of them pending"),
            numbers.say(
                "bytes_per_object_estimate",
                Numbers::bytes,
                " each (estimate)",
            ),
            numbers.of_heap("heap_used_after_gc_bytes"),
            numbers.say(
                "work_off_s",
                Numbers::seconds,
                " to finalize them, if they are dead",
            ),
        ],
        AlertKind::FinalizerStuck => vec![
            numbers.say("inside_ms", Numbers::milliseconds, " in this one call"),
            numbers.say("pending", Numbers::count, " objects of all classes pending"),
        ],
        AlertKind::ReferenceHandlerStalled => vec![
            numbers.say(
                "stalled_ms",
                Numbers::milliseconds,
                " without taking anything",
            ),
            numbers.say(
                "registered",
                Numbers::count,
                " registered, how many of them dead is not known",
            ),
        ],
        AlertKind::FinalizerDead => vec![
            numbers.say("pending", Numbers::count, " pending"),
            numbers.say("enqueued_total", Numbers::count, " ever queued"),
            numbers.say("finalized_total", Numbers::count, " ever finalized"),
        ],
        AlertKind::FinalizerSlow => vec![
            numbers.say(
                "busy_share",
                Numbers::percent,
                " of the time inside finalize()",
            ),
            numbers.say(
                "class_time_share",
                Numbers::percent,
                " of that in this class",
            ),
            numbers.say("mean_ms", Numbers::milliseconds, " a call"),
            numbers.say("calls_per_s", Numbers::rate, " calls a second"),
            numbers.say("pending", Numbers::count, " pending"),
        ],
        AlertKind::PendingGrowth => vec![
            numbers.say("pending", Numbers::count, " pending"),
            numbers.say("class_pending", Numbers::count, " of them of this class"),
            numbers.say("arriving_per_s", Numbers::rate, " arrive a second"),
            numbers.say("leaving_per_s", Numbers::rate, " leave a second"),
            numbers.say("work_off_s", Numbers::seconds, " to work off what waits"),
            numbers.cause(),
        ],
        AlertKind::FinalizerThrows => vec![
            numbers.say("threw_share", Numbers::percent, " of the last calls threw"),
            numbers.say("threw_total", Numbers::count, " calls threw so far"),
            numbers.say("finalized_total", Numbers::count, " returned"),
        ],
        AlertKind::FinalizerResurrects => vec![
            numbers.say(
                "survived_share",
                Numbers::percent,
                " of the last finalized objects that were watched survived",
            ),
            numbers.say("watched", Numbers::count, " were watched"),
            numbers.say("finalized_total", Numbers::count, " finalized so far"),
            numbers.of_heap("heap_used_after_gc_bytes"),
        ],
        AlertKind::HeapExhaustion => vec![
            numbers.of_heap("heap_live_bytes"),
            numbers.say("growth_bytes_per_s", Numbers::bytes, " more a second"),
            numbers.say("collections", Numbers::count, " collections looked at"),
            numbers.say(
                "confidence",
                Numbers::percent,
                " of the growth is on a line",
            ),
            numbers.grows_with(),
        ],
        AlertKind::Unknown => Vec::new(),
    };
    clauses.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The numbers of an alert, by name; any may be missing.
struct Numbers<'a>(&'a Alert);

impl Numbers<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        let number = self.0.evidence.get(name)?.as_f64()?;
        Some(number.max(0.0))
    }

    fn say(
        &self,
        name: &str,
        number: fn(&Self, &str) -> Option<String>,
        words: &str,
    ) -> Option<String> {
        Some(number(self, name)? + words)
    }

    fn count(&self, name: &str) -> Option<String> {
        self.number(name).map(|number| grouped(number as u64))
    }

    fn rate(&self, name: &str) -> Option<String> {
        self.number(name).map(|number| rate(number, 12))
    }

    fn bytes(&self, name: &str) -> Option<String> {
        let number = self.number(name)? as u64;
        Some(match number {
            ..1024 => format!("{number} bytes"),
            number => bytes(number),
        })
    }

    fn percent(&self, name: &str) -> Option<String> {
        self.number(name)
            .map(|share| format!("{:.0}%", 100.0 * share))
    }

    fn milliseconds(&self, name: &str) -> Option<String> {
        self.number(name).map(milliseconds)
    }

    fn seconds(&self, name: &str) -> Option<String> {
        self.number(name).map(|seconds| time(seconds as u64))
    }

    fn found_held(&self) -> Option<String> {
        let held = self.count("held")?;
        Some(match self.number("collections").map(|count| count as u64) {
            Some(1) => format!("{held} found held by a collection"),
            Some(count) => format!("{held} found held by the last of {count} collections"),
            None => format!("{held} found held"),
        })
    }

    fn of_heap(&self, used: &str) -> Option<String> {
        let share = self.number(used)? / self.number("heap_max_bytes").filter(|max| *max > 0.0)?;
        let (used, max) = (self.bytes(used)?, self.bytes("heap_max_bytes")?);
        let percent = 100.0 * share;
        Some(format!(
            "{used} of {max} ({percent:.0}%) in use after collections"
        ))
    }

    fn cause(&self) -> Option<String> {
        let class = self.0.cause_class.as_ref()?;
        let share = self.percent("cause_time_share")?;
        let mean = self.milliseconds("cause_mean_ms")?;
        Some(format!(
            "{share} of the time in finalize() goes into {class}, {mean} a call"
        ))
    }

    fn grows_with(&self) -> Option<String> {
        let class = self.0.cause_class.as_ref()?;
        let share = self.percent("growth_share_estimate")?;
        Some(format!("{share} of it goes with {class} (estimate)"))
    }
}
