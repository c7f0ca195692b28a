//! `heap_exhaustion`: what lives in the heap after collections is trending to its maximum.
//!
//! Only collections that looked at the whole heap tell what lives; what young ones leave
//! behind goes up to the limit in a healthy program too, until the next full one. And one that found
//! finalizable objects dead has them left in the heap: the next tells what lived. What soft references
//! keep is no exhaustion: the collector has room when it needs some.

use finwatch_record::{AlertKind, Severity};

use super::{
    Known,
    evidence::Evidence,
    heap::Collected,
    history::Class,
    raised::Finding,
    softly_kept::is_cache_there,
    trend::{self, Trend},
};

/// Collections that the trend is made of, at the least, and how well a line must explain
/// them: three points are on a line by chance more easily than four.
const COLLECTIONS: usize = 3;
const CONFIDENCE_OF_THREE: f64 = 0.95;

/// Collections that it takes while there is time: what rises and falls with the load rises
/// through a few of them too.
const COLLECTIONS_WITH_TIME: usize = 5;

/// How much of the heap is in use, to matter, to leave no time for more collections, and to be
/// nearly full.
const HEAP_SHARE: f64 = 0.5;
const HEAP_SHARE_WITHOUT_TIME: f64 = 0.7;
const NEARLY_FULL: f64 = 0.95;

/// How well a line must explain the points, and while there is time: one through a single step has 0.75.
const CONFIDENCE: f64 = 0.8;
const CONFIDENCE_WITH_TIME: f64 = 0.9;

/// The growth to be more than the ups and downs of a collector, as a part of the maximum.
const GROWTH: f64 = 0.1;

/// The part of the growth that the last collection but one must have seen: a line through points that are close
/// together and one far away says nothing.
const SEEN_BEFORE: f64 = 0.2;

/// The part of what its slope says that the heap must have grown by since each of the points: what does not go on, or
/// rises and falls, is none either.
const GOES_ON: f64 = 0.25;

/// The part of all objects that a collection must have found dead for much of the heap to be theirs.
const OF_DEAD: f64 = 0.25;

/// How many times the option `patience` the end may be away: an hour, and ten minutes.
const SOON: f64 = 360.0;
const VERY_SOON: f64 = 60.0;

/// The part of the growth that goes with a class for the class to be named.
const CLASS_SHARE: f64 = 0.2;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    exhaustion(known).into_iter().collect()
}

fn exhaustion(known: &Known) -> Option<Finding> {
    let live = known.heap.live();
    let last = live.last()?;
    let share = known.heap.share(last.used_bytes as f64);
    if live.len() < COLLECTIONS || share < HEAP_SHARE {
        return None;
    }
    let mut points: Vec<Collected> = live.iter().copied().collect();
    if is_of_dead(known, last) {
        points.pop();
    }
    // A leak that began late shows in the last points only, a slow one in all of them.
    let lines =
        [64, 32, 16, 8, 4, COLLECTIONS].map(|count| Line::through_last(known, &points, count));
    let mut lines = lines.into_iter().flatten();
    let trending = lines.find(|line| line.is_trending(known, &points));
    let full = is_raised(known) && still_full(known) || share >= NEARLY_FULL;
    let line = match trending {
        Some(line) => line,
        None if full => Line::through_last(known, &points, COLLECTIONS)?,
        None => return None,
    };
    let patience_s = known.thresholds.patience.as_secs_f64();
    let very_soon = line.full_in_s <= VERY_SOON * patience_s || share >= NEARLY_FULL;
    if share < NEARLY_FULL && is_cache_there(known) {
        return None;
    }
    let part = largest_part(known, &line);
    Some(Finding {
        kind: AlertKind::HeapExhaustion,
        severity: if very_soon {
            Severity::Critical
        } else {
            Severity::Warning
        },
        class: None,
        cause_class: part.as_ref().map(|part| part.class.name.class.clone()),
        since_ms: line.first.uptime_ms,
        evidence: evidence(known, &line, part.as_ref()),
        advice: advice(part.as_ref()),
    })
}

/// Points and the line through them.
struct Line<'a> {
    points: &'a [Collected],
    first: Collected,
    last: Collected,
    trend: Trend,
    /// When the line reaches the maximum; infinite where it does not.
    full_in_s: f64,
}

/// In bytes, negative where the heap became smaller.
fn growth(from: &Collected, to: &Collected) -> f64 {
    to.used_bytes as f64 - from.used_bytes as f64
}

impl Line<'_> {
    /// Through the last so many of the points.
    fn through_last<'a>(known: &Known, points: &'a [Collected], count: usize) -> Option<Line<'a>> {
        let points = &points[points.len().saturating_sub(count)..];
        let (first, last) = (*points.first()?, *points.last()?);
        let seconds = |point: &Collected| point.uptime_ms as f64 / 1000.0;
        let trend = trend::through(points.iter().map(|p| (seconds(p), p.used_bytes as f64)))?;
        let left = known.heap.max_bytes()?.saturating_sub(last.used_bytes) as f64;
        Some(Line {
            points,
            first,
            last,
            trend,
            full_in_s: if trend.slope > 0.0 {
                left / trend.slope
            } else {
                f64::INFINITY
            },
        })
    }

    fn is_trending(&self, known: &Known, all: &[Collected]) -> bool {
        let grown = growth(&self.first, &self.last);
        let share = known.heap.share(self.last.used_bytes as f64);
        let (enough, confidence) = match share < HEAP_SHARE_WITHOUT_TIME {
            true => (COLLECTIONS_WITH_TIME, CONFIDENCE_WITH_TIME),
            false if self.points.len() == COLLECTIONS => (COLLECTIONS, CONFIDENCE_OF_THREE),
            false => (COLLECTIONS, CONFIDENCE),
        };
        self.points.len() >= enough
            && share >= HEAP_SHARE
            && self.is_more_than_ever(all)
            && self.trend.r_squared >= confidence
            && known.heap.share(grown) >= GROWTH
            && self.is_seen_before()
            && self.goes_on()
            && self.full_in_s <= SOON * known.thresholds.patience.as_secs_f64()
            && self.last.uptime_ms >= self.first.uptime_ms + known.thresholds.patience_ms()
    }

    fn is_seen_before(&self) -> bool {
        let grown = growth(&self.first, &self.last);
        let last_but_one = self.points.iter().rev().nth(1);
        last_but_one.is_some_and(|point| growth(&self.first, point) >= SEEN_BEFORE * grown)
    }

    fn goes_on(&self) -> bool {
        self.points.iter().all(|point| {
            let ms = self.last.uptime_ms.saturating_sub(point.uptime_ms);
            growth(point, &self.last) >= GOES_ON * self.trend.slope * ms as f64 / 1000.0
        })
    }

    /// What was lived with before is no exhaustion.
    fn is_more_than_ever(&self, all: &[Collected]) -> bool {
        all.iter()
            .all(|point| point.used_bytes <= self.last.used_bytes)
    }
}

/// The last collection found many dead objects, and they have been finalized since or may still be: the next one
/// frees them, and how much lives is not known before.
fn is_of_dead(known: &Known, last: &Collected) -> bool {
    let held = known.classes.iter().filter_map(|class| class.held.last());
    let dead: u64 = held.map(|held| held.dead).sum();
    let all = known.whole.registered + dead;
    let is_fresh = known.now.uptime_ms < last.uptime_ms + known.thresholds.patience_ms();
    dead as f64 >= OF_DEAD * all as f64 && (is_fresh || known.whole.pending < dead / 2)
}

fn is_raised(known: &Known) -> bool {
    known.raised.contains(AlertKind::HeapExhaustion, None)
}

/// Once raised: not over before there is room, or less lives than a tenth below the most there was.
fn still_full(known: &Known) -> bool {
    let live = known.heap.live();
    let most = live.iter().map(|point| point.used_bytes).max();
    let last = live.last().map_or(0, |point| point.used_bytes) as f64;
    known.heap.share(last) >= HEAP_SHARE_WITHOUT_TIME && last >= 0.9 * most.unwrap_or(0) as f64
}

/// How much of the growth goes with a class, estimated from the two trends.
struct Part<'a> {
    class: &'a Class,
    bytes_per_object: f64,
    /// 0 to 1.
    share: f64,
}

fn largest_part<'a>(known: &Known<'a>, line: &Line) -> Option<Part<'a>> {
    let grown = line
        .last
        .used_bytes
        .saturating_sub(line.first.used_bytes)
        .max(1) as f64;
    let parts = known.classes.iter().filter_map(|class| {
        let registered = |at_ms| class.series.before(at_ms).map(|p| p.counts.registered);
        let live = known.heap.live().iter();
        let points =
            live.filter_map(|p| Some((registered(p.uptime_ms)? as f64, p.used_bytes as f64)));
        let points: Vec<(f64, f64)> = points.collect();
        let more = points.last()?.0 - points.first()?.0;
        if more < known.thresholds.many as f64 {
            return None;
        }
        let trend = trend::through(points.into_iter())?;
        (trend.slope > 0.0 && trend.r_squared >= CONFIDENCE).then_some(Part {
            class,
            bytes_per_object: trend.slope,
            share: (trend.slope * more / grown).min(1.0),
        })
    });
    let parts = parts.filter(|part| part.share >= CLASS_SHARE);
    // Of several that go with the heap as well, the one with more objects.
    parts.max_by_key(|part| part.class.now.counts.registered)
}

fn evidence(known: &Known, line: &Line, part: Option<&Part>) -> Evidence {
    let evidence = Evidence::default()
        .count("heap_live_bytes", line.last.used_bytes)
        .count("heap_max_bytes", known.heap.max_bytes().unwrap_or(0))
        .count("collections", line.points.len() as u64)
        .measure("growth_bytes_per_s", line.trend.slope)
        .measure("confidence", line.trend.r_squared)
        .measure("full_in_s_estimate", line.full_in_s);
    match part {
        Some(part) => evidence
            .measure("bytes_per_object_estimate", part.bytes_per_object)
            .measure("growth_share_estimate", part.share),
        None => evidence,
    }
}

fn advice(part: Option<&Part>) -> String {
    match part {
        Some(part) => format!(
            "The heap fills up and grows with the number of {} registered, by about {:.0} bytes each: see \
             the other alerts for that class, and take a heap dump before it is full.",
            part.class.name.class, part.bytes_per_object
        ),
        None => "The heap fills up, and no class of finalizable objects grows with it: take a heap dump \
                 before it is full and look for what holds most of it. What soft references keep goes before \
                 memory runs out."
            .to_owned(),
    }
}
