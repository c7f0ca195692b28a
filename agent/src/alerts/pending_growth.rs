//! `pending_growth`: more arrives in the queue than leaves it.
//!
//! Objects arrive in heaps, one a collection, and are worked off in between. So the queue is
//! looked at just before more arrives: what is left there each time is what the thread did
//! not get done. A burst leaves something once; a backlog leaves more each time.
//!
//! Unless objects grow old before they die: those arrive all at once when a collection looks at
//! the old generation, and in between the queue becomes shorter although more is made than is
//! worked off. And a stop-the-world collector lets a large heap fill for long before objects
//! arrive at all. So a queue that is not short any more is looked at too.

use finwatch_record::{AlertKind, Counts, Severity};

use super::{
    ClassName, Known,
    busy::Busy,
    evidence::Evidence,
    history::{Point, Trough},
    raised::Finding,
};

/// Arrivals in a row with more left each time.
const ARRIVALS: usize = 4;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    growth(known).into_iter().collect()
}

fn growth(known: &Known) -> Option<Finding> {
    let since_ms = growing_since(known)
        .or_else(|| outrun_since(known))
        .or_else(|| still_behind(known))?;
    let then = known.classes.whole_series().before(since_ms)?;
    let rates = Rates::between(then, known);
    let drain_s = known.whole.pending as f64 / rates.left_per_s;
    let patience_s = known.thresholds.patience.as_secs_f64();
    if known.whole.pending < known.thresholds.many || drain_s < patience_s {
        return None;
    }
    let busy = Busy::over(known, known.now.uptime_ms - then.uptime_ms);
    let costly = busy.as_ref().and_then(|busy| busy.most_costly.as_ref());
    let most_pending = known.classes.iter().max_by_key(|c| c.now.counts.pending)?;
    let evidence = Evidence::default()
        .count("pending", known.whole.pending)
        .count("class_pending", most_pending.now.counts.pending)
        .measure("arriving_per_s", rates.arrived_per_s)
        .measure("leaving_per_s", rates.left_per_s)
        .measure("work_off_s", drain_s);
    let evidence = match (&busy, costly) {
        (Some(busy), Some(costly)) => evidence
            .measure("busy_share", busy.share)
            .measure("cause_time_share", costly.share)
            .measure("cause_mean_ms", costly.mean_ms),
        _ => evidence,
    };
    Some(Finding {
        kind: AlertKind::PendingGrowth,
        severity: Severity::Critical,
        class: Some(alerted_class(known).unwrap_or_else(|| most_pending.name.clone())),
        cause_class: costly.map(|costly| costly.name.class.clone()),
        since_ms,
        evidence,
        advice: advice(&rates, costly.map(|costly| costly.name.class.as_str())),
    })
}

/// The class it was raised for: what is queued most may change, the alert stays one.
fn alerted_class(known: &Known) -> Option<ClassName> {
    let classes = known.classes.iter().map(|class| &class.name);
    let mut raised =
        classes.filter(|name| known.raised.contains(AlertKind::PendingGrowth, Some(name)));
    raised.next().cloned()
}

/// Since when each arrival has found more left than the one before, although something was
/// worked off in between, if long enough. Where nothing is, the thread is stuck or dead.
fn growing_since(known: &Known) -> Option<u64> {
    let troughs = known.classes.troughs();
    let grows = |(earlier, later): (&Trough, &Trough)| {
        later.left > earlier.left && later.ended > earlier.ended
    };
    let pairs = troughs.iter().zip(troughs.iter().skip(1));
    let steps = pairs.rev().take_while(|pair| grows(*pair)).count();
    let first = troughs.get(troughs.len().checked_sub(steps + 1)?)?;
    let last = troughs.back()?;
    let lasts_ms = last.uptime_ms - first.uptime_ms;
    let patience_ms = known.thresholds.patience_ms();
    let much = last.left >= known.thresholds.many / 2;
    (steps + 1 >= ARRIVALS && lasts_ms >= patience_ms && much).then_some(first.uptime_ms)
}

/// Since when the thread has never been done with its work, if that is long enough and more
/// objects were made than it got done, in the earlier and in the later half of that time: a
/// burst is over in one of them. What grew old and was found all at once is worked off in the
/// end where fewer are made.
fn outrun_since(known: &Known) -> Option<u64> {
    let patience_ms = known.thresholds.patience_ms();
    let series = known.classes.whole_series();
    let half_ms = patience_ms / 2;
    let between = series.before(known.now.uptime_ms.checked_sub(half_ms)?)?;
    // Samples may be further apart than that.
    let then = series.before(between.uptime_ms.checked_sub(half_ms)?)?;
    let is_outrun = |from: &Counts, to: &Counts| {
        let done = to.ended().saturating_sub(from.ended());
        // Where it gets nothing done it is stuck or dead.
        done > 0 && to.registered_total.saturating_sub(from.registered_total) > done
    };
    if !is_outrun(&then.counts, &between.counts) || !is_outrun(&between.counts, &known.whole) {
        return None;
    }
    let done = known.whole.ended().saturating_sub(then.ended());
    // Points are closer to each other than the thread needs for that much.
    let mut behind = series.last_while(|_, later| later.counts.pending >= done / 2);
    let since_ms = behind.next()?.uptime_ms;
    (known.now.uptime_ms - since_ms >= patience_ms).then_some(since_ms)
}

/// Once raised, it is not over because one arrival found less left: the queue has to be
/// worked off, or become so short that it will be soon.
fn still_behind(known: &Known) -> Option<u64> {
    alerted_class(known)?;
    let from_ms = known
        .now
        .uptime_ms
        .saturating_sub(known.thresholds.patience_ms());
    Some(known.classes.whole_series().before(from_ms)?.uptime_ms)
}

struct Rates {
    arrived_per_s: f64,
    left_per_s: f64,
}

impl Rates {
    fn between(then: &Point, known: &Known) -> Rates {
        let seconds = (known.now.uptime_ms - then.uptime_ms).max(1) as f64 / 1000.0;
        let before = then.counts.enqueued_total;
        let arrived = known.whole.enqueued_total.saturating_sub(before);
        let left = known.whole.ended().saturating_sub(then.ended());
        Rates {
            arrived_per_s: arrived as f64 / seconds,
            left_per_s: left as f64 / seconds,
        }
    }
}

fn advice(rates: &Rates, cause: Option<&str>) -> String {
    let rates = format!(
        "{:.0} objects a second arrive to be finalized and {:.0} are",
        rates.arrived_per_s, rates.left_per_s
    );
    match cause {
        Some(class) => format!(
            "{rates}, the finalizer thread's time goes into {class}.finalize(): close these objects \
             explicitly and make fewer of them."
        ),
        None => format!("{rates}: make fewer of them."),
    }
}
