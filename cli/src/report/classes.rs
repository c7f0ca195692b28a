//! The classes of a JVM over time.

use std::collections::HashMap;

use finwatch_record::{ClassRow, Counts, FinalizeDurations};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::series::Series;

/// So many classes have series of their own; a stream that names more is one of a class factory.
const MOST: usize = 1000;

/// So many of them are on the page.
const SHOWN: usize = 40;

/// The classes that samples listed.
#[derive(Debug, Default)]
pub struct Classes {
    classes: Vec<Class>,
    /// Where they are, by loader and name.
    places: HashMap<Option<String>, HashMap<String, usize>>,
    /// The place after the one that was looked up last: samples list classes in much the same order.
    next: usize,
    /// Rows of classes that came when there were too many already.
    rows_left_out: u64,
}

/// One class.
#[derive(Debug, Default, serde::Serialize)]
pub struct Class {
    pub class: String,
    pub loader: Option<String>,
    pub source: Option<String>,
    /// Its unloading was seen.
    pub unloaded: bool,
    /// Its counts when it was last listed.
    pub counts: Counts,
    /// How long its `finalize()` took, as it was last told.
    pub finalize_ns: FinalizeDurations,
    pub registered: Series,
    pub pending: Series,
    /// 99th percentile of the durations of `finalize()` until then, ns.
    pub p99_ns: Series,
}

impl Classes {
    /// Takes the rows of a sample, or of the stop.
    pub fn take(&mut self, time_ms: u64, rows: Vec<ClassRow>) {
        self.next = 0;
        for row in rows {
            if let Some(class) = self.class(&row.class, &row.loader) {
                class.take(time_ms, row);
            } else {
                self.rows_left_out += 1;
            }
        }
    }

    /// Adds those of a later file.
    pub fn append(&mut self, later: Classes) {
        self.rows_left_out += later.rows_left_out;
        for class in later.classes {
            match self.class(&class.class, &class.loader) {
                Some(known) => known.append(class),
                None => self.rows_left_out += 1,
            }
        }
    }

    /// Those with the highest peaks, of registered and pending together, first.
    pub fn worst(&self) -> Vec<&Class> {
        let mut classes: Vec<&Class> = self.classes.iter().collect();
        classes.sort_by(|a, b| {
            let by_name = || (&a.class, &a.loader).cmp(&(&b.class, &b.loader));
            b.peak().total_cmp(&a.peak()).then_with(by_name)
        });
        classes
    }

    /// That class, new where it was not known; `None` where there are too many.
    fn class(&mut self, name: &str, loader: &Option<String>) -> Option<&mut Class> {
        let is_next = |class: &Class| class.class == name && class.loader == *loader;
        let place = match self.classes.get(self.next).is_some_and(is_next) {
            true => self.next,
            false => self.place(name, loader)?,
        };
        self.next = place + 1;
        self.classes.get_mut(place)
    }

    fn place(&mut self, name: &str, loader: &Option<String>) -> Option<usize> {
        let known = self
            .places
            .get(loader)
            .and_then(|classes| classes.get(name));
        if known.is_some() || self.classes.len() >= MOST {
            return known.copied();
        }
        let place = self.classes.len();
        let of_loader = self.places.entry(loader.clone()).or_default();
        of_loader.insert(name.to_owned(), place);
        self.classes.push(Class {
            class: name.to_owned(),
            loader: loader.clone(),
            ..Class::default()
        });
        Some(place)
    }
}

impl Class {
    fn take(&mut self, time_ms: u64, row: ClassRow) {
        self.registered.add(time_ms, row.counts.registered as f64);
        self.pending.add(time_ms, row.counts.pending as f64);
        if row.finalize_ns.count > 0 {
            self.p99_ns.add(time_ms, row.finalize_ns.p99 as f64);
        }
        self.counts = row.counts;
        self.finalize_ns = row.finalize_ns;
        self.source = row.source;
        self.unloaded = row.unloaded;
    }

    fn append(&mut self, later: Class) {
        self.registered.merge(&later.registered);
        self.pending.merge(&later.pending);
        self.p99_ns.merge(&later.p99_ns);
        self.counts = later.counts;
        self.finalize_ns = later.finalize_ns;
        self.source = later.source;
        self.unloaded = later.unloaded;
    }

    fn peak(&self) -> f64 {
        let highest = |series: &Series| series.max().map_or(0.0, |(_, value)| value);
        highest(&self.registered) + highest(&self.pending)
    }
}

/// Those that are shown, the worst first, those that took most time in `finalize()` among them.
impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let worst = self.worst();
        let (shown, others) = worst.split_at(worst.len().min(SHOWN));
        let mut shown = shown.to_vec();
        let mut slow: Vec<&Class> = others.to_vec();
        slow.sort_by_key(|class| std::cmp::Reverse(class.finalize_ns.sum));
        shown.extend(
            slow.iter()
                .filter(|class| class.finalize_ns.sum > 0)
                .take(SHOWN / 4),
        );
        let mut classes = serializer.serialize_struct("Classes", 3)?;
        classes.serialize_field("shown", &shown)?;
        classes.serialize_field("left_out", &(worst.len() - shown.len()))?;
        classes.serialize_field("rows_left_out", &self.rows_left_out)?;
        classes.end()
    }
}
