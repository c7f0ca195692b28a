//! What the classes have been through: their counts over time, and what collections told
//! about them.
//!
//! The number of classes is fixed, and that of the points of each.

use std::collections::{BTreeMap, VecDeque};

use finwatch_record::{Counts, FinalizeDurations, Holders};

use super::{
    ClassName, ClassNow, Finalized,
    heap::{Collected, Heap},
    reachable::Looked,
    series::{Series, Timed},
    softly_kept::SoftlyKept,
    suspect::Why,
    trend,
};

/// Classes that are followed.
const MOST_CLASSES: usize = 256;

/// Arrivals in the queue that are remembered.
const ARRIVALS: usize = 16;

/// Calls of `finalize()` in half of those that are judged together.
const CALLS: u64 = 64;

/// Counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// Milliseconds since the JVM started.
    pub uptime_ms: u64,
    /// The counts then.
    pub counts: Counts,
    /// How long `finalize()` had taken by then.
    pub finalize_ns: FinalizeDurations,
}

impl Point {
    /// Calls of `finalize()` that have ended.
    pub fn ended(&self) -> u64 {
        self.counts.ended()
    }

    /// Objects that are registered and were not found dead.
    pub fn not_pending(&self) -> u64 {
        self.counts.registered.saturating_sub(self.counts.pending)
    }
}

/// However few objects it has: a call of its `finalize()` is going on, or one threw.
fn is_of_note(counts: &Counts) -> bool {
    counts.running > 0 || counts.threw_total > 0
}

impl Timed for Point {
    fn uptime_ms(&self) -> u64 {
        self.uptime_ms
    }
}

/// What a collection that looked at the whole heap told about a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// When it ended.
    pub uptime_ms: u64,
    /// Not later than it began.
    pub began_ms: u64,
    /// Its begin is put about a whole cycle too early.
    pub is_vague: bool,
    /// Objects that were there when it began.
    pub existed: u64,
    /// Objects that were there halfway between the one before and this.
    pub existed_halfway: u64,
    /// Objects that it found held, at the least.
    pub objects: u64,
    /// Bytes in use in the heap after it.
    pub used_bytes: u64,
    /// Objects that it found dead: they are in the heap still, the next collection frees them.
    pub dead: u64,
    /// Bytes of the heap that went with one object more, in the collections before it that
    /// did not look at the whole heap; `None` where there were too few.
    pub bytes_per_object: Option<f64>,
}

impl Timed for Held {
    fn uptime_ms(&self) -> u64 {
        self.uptime_ms
    }
}

/// What was there after a collection that did not look at the whole heap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecided {
    /// When it ended.
    pub uptime_ms: u64,
    /// Objects that no collection has found held, and none dead.
    pub objects: u64,
    /// The class's counts then.
    pub counts: Counts,
    /// Bytes in use in the heap after it.
    pub used_bytes: u64,
}

impl Timed for Undecided {
    fn uptime_ms(&self) -> u64 {
        self.uptime_ms
    }
}

/// What a walk for the holders of a class told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Instances that are held.
    pub held: u64,
    /// All instances.
    pub instances: u64,
}

/// The queue just before more came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trough {
    /// When.
    pub uptime_ms: u64,
    /// Objects that had not been worked off.
    pub left: u64,
    /// Calls of `finalize()` that had ended.
    pub ended: u64,
}

/// One class over time.
#[derive(Debug)]
pub struct Class {
    pub name: ClassName,
    /// When it was first seen, in milliseconds since the JVM started.
    pub first_seen_ms: u64,
    pub now: Point,
    pub series: Series<Point>,
    /// Objects have been inside `finalize()` without one leaving it since then.
    pub inside_since_ms: Option<u64>,
    /// Where the last calls of `finalize()` begin that are judged together, and where the
    /// later half of them does.
    pub calls_from: [Point; 2],
    /// Collections that looked at the whole heap, oldest first.
    pub held: Series<Held>,
    /// Collections since then that did not.
    pub undecided: Series<Undecided>,
    /// The most undecided objects that ever turned out to be dead.
    pub found_dead: u64,
    /// What became of its objects after their `finalize()`.
    pub finalized: Finalized,
    /// The last walk for its holders since a collection looked at the whole heap.
    pub walked: Option<Walked>,
    /// What the last walk for its holders found of soft references.
    pub softly_kept: Option<SoftlyKept>,
    /// Undecided objects when it was last a suspect because of these; 0 if never.
    pub suspected: u64,
    /// Objects when it was last looked at because soft references might keep them; 0 if never.
    pub looked_at: u64,
    seen: bool,
}

impl Class {
    fn new(name: ClassName) -> Class {
        Class {
            name,
            first_seen_ms: 0,
            now: Point::default(),
            series: Series::default(),
            inside_since_ms: None,
            calls_from: [Point::default(); 2],
            held: Series::default(),
            undecided: Series::default(),
            found_dead: 0,
            finalized: Finalized::default(),
            walked: None,
            softly_kept: None,
            suspected: 0,
            looked_at: 0,
            seen: true,
        }
    }

    /// Objects that are registered and were not found dead.
    pub fn not_pending(&self) -> u64 {
        self.now.not_pending()
    }

    /// Objects that their `finalize()` has resurrected, going by those that were watched; `None` where
    /// none was watched to its end.
    pub fn resurrected(&self) -> Option<f64> {
        let share = self.finalized.share()?;
        Some(share * self.now.ended() as f64)
    }

    /// Bytes of the heap that go with one object more, in the last collections that did not
    /// look at the whole heap.
    pub fn bytes_per_undecided(&self) -> Option<f64> {
        let points = self.undecided.iter();
        let points = points.map(|p| (p.objects as f64, p.used_bytes as f64));
        trend::through(points).map(|trend| trend.slope)
    }

    /// Those of them that no collection has found held.
    pub fn undecided_now(&self) -> u64 {
        let held = self.held.last().map_or(0, |held| held.objects);
        self.not_pending().saturating_sub(held)
    }

    fn sample(&mut self, now: Point, spacing_ms: u64) {
        let inside = now.counts.running > 0;
        let left = now.ended() != self.now.ended();
        if !inside || left {
            self.inside_since_ms = inside.then_some(now.uptime_ms);
        } else {
            self.inside_since_ms.get_or_insert(now.uptime_ms);
        }
        if self.series.len() == 0 {
            // Calls of before the first sample count, too.
            let uptime_ms = now.uptime_ms;
            self.first_seen_ms = uptime_ms;
            self.calls_from.fill(Point {
                uptime_ms,
                ..Point::default()
            });
        }
        if now.ended().saturating_sub(self.calls_from[1].ended()) >= CALLS {
            self.calls_from = [self.calls_from[1], now];
        }
        self.now = now;
        self.series.push_spaced(now, spacing_ms);
        self.seen = true;
    }

    fn whole(&mut self, looked: Looked, used_bytes: u64, spacing_ms: u64) {
        let before = self.series.before(looked.began_ms);
        let registered_before = before.map_or(0, |p| p.counts.registered_total);
        // What it found is queued at its end.
        let at_end = self.series.before(looked.ended_ms);
        let enqueued_before = at_end.map_or(0, |p| p.counts.enqueued_total);
        let younger = self
            .now
            .counts
            .registered_total
            .saturating_sub(registered_before);
        let objects = self.not_pending().saturating_sub(younger);
        let undecided = self.undecided.last().map_or(0, |last| last.objects);
        let known_held = self.held.last().map_or(0, |held| held.objects);
        let dead = known_held
            .saturating_add(undecided)
            .saturating_sub(self.not_pending());
        if dead > undecided / 2 {
            self.found_dead = self.found_dead.max(dead);
        }
        let last_look = self.held.last().map_or(0, |held| held.uptime_ms);
        let halfway = self
            .series
            .before(last_look.midpoint(looked.began_ms.max(last_look)));
        let held = Held {
            uptime_ms: looked.ended_ms,
            began_ms: looked.began_ms,
            is_vague: looked.is_vague,
            existed: before.map_or(0, Point::not_pending),
            existed_halfway: halfway.map_or(0, Point::not_pending),
            objects,
            used_bytes,
            dead: self
                .now
                .counts
                .enqueued_total
                .saturating_sub(enqueued_before),
            bytes_per_object: self.bytes_per_undecided(),
        };
        self.undecided.clear();
        self.walked = None;
        self.held.push_newest(held, spacing_ms);
    }
}

/// The classes that are followed, and all of them together.
#[derive(Debug, Default)]
pub struct Classes {
    /// By class name, as a look-up by two borrowed names allocates nothing.
    by_name: BTreeMap<String, Vec<Class>>,
    count: usize,
    whole: Series<Point>,
    /// The queue each time just before more came, oldest first.
    troughs: VecDeque<Trough>,
    last_whole: Point,
}

impl Classes {
    /// All classes together.
    pub fn whole_series(&self) -> &Series<Point> {
        &self.whole
    }

    /// The queue each time just before more came, oldest first.
    pub fn troughs(&self) -> &VecDeque<Trough> {
        &self.troughs
    }

    /// Since when objects have been pending and none was taken, if since that time.
    pub fn untouched_since(&self, from_ms: u64) -> Option<u64> {
        let before = self.whole.before(from_ms)?;
        let taken = |counts: &Counts| counts.enqueued_total.saturating_sub(counts.pending);
        let untouched = |counts: &Counts| {
            counts.pending > 0 && counts.running == 0 && taken(counts) == taken(&before.counts)
        };
        let points = self.whole.since(before.uptime_ms);
        points
            .chain([&self.last_whole])
            .all(|point| untouched(&point.counts))
            .then_some(before.uptime_ms)
    }

    /// Every class that is followed.
    pub fn iter(&self) -> impl Iterator<Item = &Class> {
        self.by_name.values().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Class> {
        self.by_name.values_mut().flatten()
    }

    /// Takes the counts of a sample.
    pub fn sample<'a>(
        &mut self,
        uptime_ms: u64,
        whole: Counts,
        classes: impl Iterator<Item = ClassNow<'a>>,
        spacing_ms: u64,
    ) {
        self.sample_whole(uptime_ms, whole, spacing_ms);
        self.iter_mut().for_each(|class| class.seen = false);
        for each in classes {
            let point = Point {
                uptime_ms,
                counts: each.counts,
                finalize_ns: each.finalize_ns,
            };
            if let Some(class) = self.find_or_follow(each) {
                class.finalized = each.finalized;
                class.sample(point, spacing_ms);
            }
        }
        // What is not told any more has been unloaded.
        self.by_name.retain(|_, classes| {
            classes.retain(|class| class.seen);
            !classes.is_empty()
        });
        self.count = self.iter().count();
    }

    fn sample_whole(&mut self, uptime_ms: u64, counts: Counts, spacing_ms: u64) {
        let before = self.last_whole;
        let point = Point {
            uptime_ms,
            counts,
            finalize_ns: FinalizeDurations::default(),
        };
        let last_trough = self.troughs.back().map_or(0, |trough| trough.uptime_ms);
        if counts.enqueued_total > before.counts.enqueued_total
            && before.uptime_ms >= last_trough + 2 * spacing_ms
        {
            if self.troughs.len() == ARRIVALS {
                self.troughs.pop_front();
            }
            self.troughs.push_back(Trough {
                uptime_ms: before.uptime_ms,
                left: before.counts.pending.saturating_add(before.counts.running),
                ended: before.ended(),
            });
        }
        self.last_whole = point;
        self.whole.push_spaced(point, spacing_ms);
    }

    fn find_or_follow(&mut self, each: ClassNow) -> Option<&mut Class> {
        let is_it = |class: &Class| class.name.loader.as_deref() == each.loader;
        let known = self.by_name.get(each.class);
        if !known.is_some_and(|classes| classes.iter().any(is_it)) {
            if self.count >= MOST_CLASSES && !self.make_room(&each.counts) {
                return None;
            }
            self.count += 1;
            let name = ClassName {
                class: each.class.to_owned(),
                loader: each.loader.map(str::to_owned),
            };
            let classes = self.by_name.entry(name.class.clone()).or_default();
            classes.push(Class::new(name));
        }
        let classes = self.by_name.get_mut(each.class)?;
        classes.iter_mut().find(|class| is_it(class))
    }

    /// Forgets the class with fewest objects, if it has fewer than half as many, or if one that is of note takes the
    /// place of one that is not. Half of the places are left to those that are not.
    fn make_room(&mut self, counts: &Counts) -> bool {
        let of = |class: &Class| class.now.counts;
        let of_note = self.iter().filter(|class| is_of_note(&of(class))).count();
        let matters = |counts: &Counts| {
            counts.running > 0 || of_note < MOST_CLASSES / 2 && is_of_note(counts)
        };
        let least = self.iter().min_by_key(|class| {
            let counts = of(class);
            (counts.running > 0, matters(&counts), counts.registered)
        });
        let gives_way = |class: &&Class| {
            let is_of_more_note = matters(counts) && !matters(&of(class));
            is_of_more_note || of(class).registered < counts.registered / 2
        };
        let Some(least) = least.filter(gives_way) else {
            return false;
        };
        let name = least.name.clone();
        if let Some(classes) = self.by_name.get_mut(&name.class) {
            classes.retain(|class| class.name != name);
            self.count -= 1;
        }
        true
    }

    /// A collection has looked at the whole heap, and what it found has been queued.
    pub fn whole(&mut self, looked: Looked, heap: &Heap, spacing_ms: u64) {
        let used_bytes = heap.used_bytes();
        self.iter_mut()
            .for_each(|class| class.whole(looked, used_bytes, spacing_ms));
    }

    /// A collection of whatever kind has ended.
    pub fn collected(&mut self, collected: Collected, spacing_ms: u64) {
        for class in self.iter_mut() {
            let undecided = Undecided {
                uptime_ms: collected.uptime_ms,
                objects: class.undecided_now(),
                counts: class.now.counts,
                used_bytes: collected.used_bytes,
            };
            class.undecided.push_newest(undecided, spacing_ms);
        }
    }

    /// The holders of a class are being looked for on suspicion.
    pub fn suspect(&mut self, name: &ClassName, why: Why) {
        for class in self.named(&name.class, name.loader.as_ref()) {
            match why {
                Why::Undecided => class.suspected = class.undecided_now(),
                Why::PerhapsCache => class.looked_at = class.not_pending(),
            }
        }
    }

    fn named(&mut self, class: &str, loader: Option<&String>) -> impl Iterator<Item = &mut Class> {
        let of_name = self.by_name.get_mut(class).into_iter().flatten();
        of_name.filter(move |class| loader.is_none() || class.name.loader.as_ref() == loader)
    }

    /// The holders of a class were looked for. Only where it is in question does that say more than what is usual; and
    /// what no collection has found held or dead may be left undecided.
    pub fn holders(
        &mut self,
        holders: &Holders,
        in_question: impl Fn(&ClassName) -> bool,
        decides: bool,
    ) {
        let of_name = self.named(&holders.class, holders.loader.as_ref());
        for class in of_name.filter(|class| in_question(&class.name)) {
            class.softly_kept = SoftlyKept::of(holders, class);
            if class.softly_kept.is_some() {
                // When that is not believed any more, it is looked at again.
                class.suspected = 0;
                class.looked_at = 0;
            }
            if decides {
                class.walked = Some(Walked {
                    held: holders.held,
                    instances: holders.instances,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(registered: u64) -> Counts {
        Counts {
            registered,
            registered_total: registered,
            ..Counts::default()
        }
    }

    fn now(class: &str, counts: Counts) -> ClassNow<'_> {
        ClassNow {
            class,
            loader: None,
            counts,
            finalize_ns: FinalizeDurations::default(),
            finalized: Finalized::default(),
        }
    }

    #[test]
    fn only_so_many_classes_are_followed_and_the_larger_ones() {
        let mut classes = Classes::default();
        let names: Vec<String> = (0..5000).map(|n| format!("C{n}")).collect();
        for round in 0..3 {
            let all = names.iter().enumerate();
            let all = all.map(|(n, name)| now(name, registered(n as u64)));
            classes.sample(round * 1000, Counts::default(), all, 100);
            assert_eq!(classes.count, MOST_CLASSES);
            assert_eq!(classes.iter().count(), MOST_CLASSES);
        }
        let least = classes
            .iter()
            .map(|class| class.now.counts.registered)
            .min();
        assert!(least > Some(2000), "{least:?}");
    }

    #[test]
    fn of_the_arrivals_in_the_queue_the_last_are_remembered() {
        let mut classes = Classes::default();
        for second in 1..=10 * ARRIVALS as u64 {
            let counts = Counts {
                enqueued_total: second,
                ..Counts::default()
            };
            classes.sample(second * 1000, counts, [].into_iter(), 100);
        }
        assert_eq!(classes.troughs.len(), ARRIVALS);
        let last = classes.troughs.back().map(|trough| trough.uptime_ms);
        assert_eq!(last, Some(10_000 * ARRIVALS as u64 - 1000));
    }

    #[test]
    fn a_class_that_is_gone_is_forgotten() {
        let mut classes = Classes::default();
        classes.sample(
            0,
            Counts::default(),
            [now("A", registered(1))].into_iter(),
            1,
        );
        classes.sample(1, Counts::default(), std::iter::empty(), 1);
        assert_eq!(classes.iter().count(), 0);
    }

    #[test]
    fn a_class_with_few_objects_is_followed_once_its_finalize_is_of_note() {
        let mut classes = Classes::default();
        let names: Vec<String> = (0..1000).map(|n| format!("C{n}")).collect();
        for round in 0..3 {
            let all = names.iter().enumerate().map(|(n, name)| {
                let mut counts = registered(5000 - n as u64);
                counts.threw_total = u64::from(n == 990 && round > 0);
                counts.running = u64::from(n == 991 && round > 1);
                now(name, counts)
            });
            classes.sample(round * 1000, Counts::default(), all, 100);
            assert_eq!(classes.count, MOST_CLASSES);
            let follows = |name| classes.iter().any(|class| class.name.class == name);
            let followed = ["C0", "C990", "C991"].map(follows);
            assert_eq!(followed, [true, round > 0, round > 1], "{round}");
        }
    }

    #[test]
    fn however_many_classes_have_thrown_one_with_many_objects_is_followed() {
        let mut classes = Classes::default();
        let names: Vec<String> = (0..1000).map(|n| format!("C{n}")).collect();
        for round in 0..3 {
            let all = names.iter().enumerate().map(|(n, name)| {
                let mut counts = registered(if n == 0 { 5000 } else { 10 });
                counts.threw_total = u64::from(n > 0);
                now(name, counts)
            });
            classes.sample(round * 1000, Counts::default(), all, 100);
            assert!(classes.iter().any(|class| class.name.class == "C0"));
        }
    }

    #[test]
    fn held_is_only_what_was_there_when_the_collection_began() {
        let mut classes = Classes::default();
        let heap = Heap::default();
        classes.sample(
            1000,
            Counts::default(),
            [now("A", registered(10))].into_iter(),
            1,
        );
        classes.sample(
            3000,
            Counts::default(),
            [now("A", registered(17))].into_iter(),
            1,
        );
        let looked = |began_ms| Looked {
            began_ms,
            ended_ms: 2500,
            is_vague: false,
            is_full: true,
            references_ms: began_ms,
        };
        classes.whole(looked(2000), &heap, 1);
        classes.whole(looked(500), &heap, 1);
        let class = classes.iter().next().unwrap();
        let held: Vec<u64> = class.held.iter().map(|held| held.objects).collect();
        assert_eq!(held, [10, 0]);
    }

    #[test]
    fn a_call_is_inside_until_one_leaves() {
        let mut class = Class::new(ClassName {
            class: "A".to_owned(),
            loader: None,
        });
        let mut sample = |uptime_ms, running, finalized_total| {
            let counts = Counts {
                running,
                finalized_total,
                ..Counts::default()
            };
            let point = Point {
                uptime_ms,
                counts,
                ..Point::default()
            };
            class.sample(point, 1);
            class.inside_since_ms
        };
        assert_eq!(sample(10, 0, 5), None);
        assert_eq!(sample(20, 1, 5), Some(20));
        assert_eq!(sample(30, 1, 5), Some(20));
        assert_eq!(sample(40, 1, 6), Some(40));
        assert_eq!(sample(50, 0, 7), None);
    }
}
