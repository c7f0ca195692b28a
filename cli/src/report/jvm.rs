//! What is kept of one JVM: its numbers over time, and the events one by one.

use std::collections::BTreeMap;

use finwatch_record::{
    Body, Collection, Counts, Coverage, Memory, PoolKind, Record, Sample, Start, Stop, StopReason,
};
use serde::Serialize;

use super::classes::Classes;
use super::incidents::Incidents;
use super::series::Series;
use super::standstill::Standstill;
use crate::alerts;
use crate::stream::{Piece, Span};

/// One JVM, or the part of its stream that is in one file.
#[derive(Debug, Serialize)]
pub struct Jvm {
    #[serde(skip)]
    pub span: Span,
    /// The latest `start` record.
    pub start: Option<Start>,
    /// How the stream ends.
    pub stop: Option<StopReason>,
    pub coverage: Option<Coverage>,
    pub finalizer: FinalizerSeries,
    pub classes: Classes,
    pub memory: MemorySeries,
    /// Collections by collector.
    pub collections: BTreeMap<String, Collector>,
    /// The longest pause since the sample before, ms.
    pub pause_ms_max: Series,
    /// All pauses until then, ms.
    pub pause_ms_total: Series,
    pub agent: AgentSeries,
    pub incidents: Incidents,
    pub standstill: Standstill,
}

/// The ledger over all classes.
#[derive(Debug, Default, Serialize)]
pub struct FinalizerSeries {
    pub registered: Series,
    pub pending: Series,
    pub running: Series,
    pub mxbean_pending: Series,
    pub registered_total: Series,
    pub finalized_total: Series,
    pub threw_total: Series,
}

/// Memory, bytes.
#[derive(Debug, Default, Serialize)]
pub struct MemorySeries {
    pub heap_used: Series,
    pub heap_committed: Series,
    /// Heap pools together after their last collection.
    pub heap_after_gc: Series,
    pub heap_max_bytes: Option<u64>,
    pub non_heap_used: Series,
    pub pools: BTreeMap<String, PoolSeries>,
    /// Buffer pools.
    pub buffers: BTreeMap<String, Series>,
}

/// One memory pool, bytes.
#[derive(Debug, Serialize)]
pub struct PoolSeries {
    pub kind: PoolKind,
    pub max_bytes: Option<u64>,
    pub used: Series,
    pub after_gc: Series,
}

/// The collections of one collector.
#[derive(Debug, Default, Serialize)]
pub struct Collector {
    pub count: u64,
    /// From begin to end, ms.
    pub duration_ms: Series,
    /// The stop-the-world pauses in it, ms.
    pub pause_ms: Series,
    /// Collections by cause.
    pub causes: BTreeMap<String, u64>,
}

/// What the agent cost.
#[derive(Debug, Default, Serialize)]
pub struct AgentSeries {
    pub cpu_ms_total: Series,
    pub stw_ms_total: Series,
    pub records_dropped_total: Series,
    pub write_errors_total: Series,
}

impl Piece for Jvm {
    fn new(span: Span) -> Jvm {
        Jvm {
            span,
            start: None,
            stop: None,
            coverage: None,
            finalizer: FinalizerSeries::default(),
            classes: Classes::default(),
            memory: MemorySeries::default(),
            collections: BTreeMap::new(),
            pause_ms_max: Series::default(),
            pause_ms_total: Series::default(),
            agent: AgentSeries::default(),
            incidents: Incidents::default(),
            standstill: Standstill::default(),
        }
    }

    fn span(&self) -> &Span {
        &self.span
    }

    fn span_mut(&mut self) -> &mut Span {
        &mut self.span
    }

    fn take(&mut self, time_ms: u64, record: Record) {
        match record.body {
            Body::Start(start) => self.take_start(time_ms, *start),
            Body::Sample(sample) => self.take_sample(time_ms, *sample),
            Body::Gc(collection) => self.take_collection(time_ms, record.uptime_ms, *collection),
            Body::Stop(stop) => self.take_stop(time_ms, *stop),
            Body::Unknown(_) => self.incidents.count_unknown(&record.kind),
            body => self.incidents.take(time_ms, record.uptime_ms, body),
        }
    }

    fn append(&mut self, later: Jvm) {
        if later.span.is_new_watch() || later.start.as_ref().is_some_and(alerts::are_off) {
            self.incidents.alerts.lose_sight(self.span.last_ms);
        }
        self.span.append(&later.span);
        self.start = later.start.or(self.start.take());
        self.stop = later.stop;
        self.coverage = later.coverage.or(self.coverage.take());
        self.finalizer.append(&later.finalizer);
        self.classes.append(later.classes);
        self.memory.append(later.memory);
        for (name, collector) in later.collections {
            self.collections.entry(name).or_default().append(collector);
        }
        self.pause_ms_max.merge(&later.pause_ms_max);
        self.pause_ms_total.merge(&later.pause_ms_total);
        self.agent.append(&later.agent);
        self.incidents.append(later.incidents);
        self.standstill.append(later.standstill);
    }
}

impl Jvm {
    fn take_start(&mut self, time_ms: u64, start: Start) {
        if alerts::are_off(&start) {
            self.incidents.alerts.lose_sight(time_ms);
        }
        self.memory.heap_max_bytes = start.jvm.heap_max_bytes.or(self.memory.heap_max_bytes);
        self.coverage = Some(start.coverage.clone());
        self.stop = None;
        self.start = Some(start);
    }

    fn take_sample(&mut self, time_ms: u64, sample: Sample) {
        let counts = &sample.finalizer.counts;
        self.incidents
            .alerts
            .take_sample(time_ms, sample.alerts_raised);
        self.finalizer
            .take(time_ms, counts, sample.finalizer.mxbean_pending);
        self.standstill.take(time_ms, counts);
        self.classes.take(time_ms, sample.classes);
        if let Some(memory) = sample.memory {
            self.memory.take(time_ms, memory);
        }
        self.pause_ms_max.add(time_ms, sample.gc.pause_ms_max);
        self.pause_ms_total.add(time_ms, sample.gc.pause_ms_total);
        self.agent
            .cpu_ms_total
            .add(time_ms, sample.agent.cpu_ms_total);
        self.agent
            .stw_ms_total
            .add(time_ms, sample.agent.stw_ms_total);
        let (dropped, errors) = (
            sample.agent.records_dropped_total,
            sample.agent.write_errors_total,
        );
        self.agent
            .records_dropped_total
            .add(time_ms, dropped as f64);
        self.agent.write_errors_total.add(time_ms, errors as f64);
        self.coverage = Some(sample.coverage);
    }

    fn take_collection(&mut self, time_ms: u64, uptime_ms: u64, collection: Collection) {
        let age_ms = uptime_ms.saturating_sub(collection.start_uptime_ms);
        let name = collection
            .collector
            .unwrap_or_else(|| "not told".to_owned());
        let collector = self.collections.entry(name).or_default();
        let began_ms = time_ms.saturating_sub(age_ms);
        collector.count += 1;
        collector.duration_ms.add(began_ms, collection.duration_ms);
        collector.pause_ms.add(began_ms, collection.pauses.total_ms);
        if let Some(cause) = collection.cause {
            *collector.causes.entry(cause).or_default() += 1;
        }
    }

    fn take_stop(&mut self, time_ms: u64, stop: Stop) {
        let counts = &stop.finalizer.counts;
        self.finalizer
            .take(time_ms, counts, stop.finalizer.mxbean_pending);
        self.classes.take(time_ms, stop.classes);
        let dropped = stop.records_dropped_total as f64;
        self.agent.records_dropped_total.add(time_ms, dropped);
        self.coverage = Some(stop.coverage);
        self.stop = Some(stop.reason);
    }
}

impl FinalizerSeries {
    fn take(&mut self, time_ms: u64, counts: &Counts, mxbean_pending: Option<u64>) {
        self.registered.add(time_ms, counts.registered as f64);
        self.pending.add(time_ms, counts.pending as f64);
        self.running.add(time_ms, counts.running as f64);
        self.registered_total
            .add(time_ms, counts.registered_total as f64);
        self.finalized_total
            .add(time_ms, counts.finalized_total as f64);
        self.threw_total.add(time_ms, counts.threw_total as f64);
        if let Some(pending) = mxbean_pending {
            self.mxbean_pending.add(time_ms, pending as f64);
        }
    }

    fn append(&mut self, later: &FinalizerSeries) {
        self.registered.merge(&later.registered);
        self.pending.merge(&later.pending);
        self.running.merge(&later.running);
        self.mxbean_pending.merge(&later.mxbean_pending);
        self.registered_total.merge(&later.registered_total);
        self.finalized_total.merge(&later.finalized_total);
        self.threw_total.merge(&later.threw_total);
    }
}

impl MemorySeries {
    fn take(&mut self, time_ms: u64, memory: Memory) {
        self.heap_used.add(time_ms, memory.heap.used_bytes as f64);
        self.heap_committed
            .add(time_ms, memory.heap.committed_bytes as f64);
        self.heap_max_bytes = memory.heap.max_bytes.or(self.heap_max_bytes);
        self.non_heap_used
            .add(time_ms, memory.non_heap.used_bytes as f64);
        let after_gc = memory
            .pools
            .iter()
            .filter(|pool| pool.kind == PoolKind::Heap);
        let after_gc: u64 = after_gc.filter_map(|pool| pool.after_gc_bytes).sum();
        // Before the first collection every pool says 0.
        if after_gc > 0 {
            self.heap_after_gc.add(time_ms, after_gc as f64);
        }
        for pool in memory.pools {
            let series = self
                .pools
                .entry(pool.name)
                .or_insert_with(|| PoolSeries::new(pool.kind));
            series.max_bytes = pool.usage.max_bytes;
            series.used.add(time_ms, pool.usage.used_bytes as f64);
            if let Some(bytes) = pool.after_gc_bytes {
                series.after_gc.add(time_ms, bytes as f64);
            }
        }
        for buffers in memory.buffers {
            let series = self.buffers.entry(buffers.name).or_default();
            series.add(time_ms, buffers.used_bytes as f64);
        }
    }

    fn append(&mut self, later: MemorySeries) {
        self.heap_used.merge(&later.heap_used);
        self.heap_committed.merge(&later.heap_committed);
        self.heap_after_gc.merge(&later.heap_after_gc);
        self.heap_max_bytes = later.heap_max_bytes.or(self.heap_max_bytes);
        self.non_heap_used.merge(&later.non_heap_used);
        for (name, pool) in later.pools {
            let series = self
                .pools
                .entry(name)
                .or_insert_with(|| PoolSeries::new(pool.kind));
            series.max_bytes = pool.max_bytes;
            series.used.merge(&pool.used);
            series.after_gc.merge(&pool.after_gc);
        }
        for (name, buffers) in later.buffers {
            self.buffers.entry(name).or_default().merge(&buffers);
        }
    }
}

impl PoolSeries {
    fn new(kind: PoolKind) -> PoolSeries {
        PoolSeries {
            kind,
            max_bytes: None,
            used: Series::default(),
            after_gc: Series::default(),
        }
    }
}

impl Collector {
    fn append(&mut self, later: Collector) {
        self.count += later.count;
        self.duration_ms.merge(&later.duration_ms);
        self.pause_ms.merge(&later.pause_ms);
        for (cause, count) in later.causes {
            *self.causes.entry(cause).or_default() += count;
        }
    }
}

impl AgentSeries {
    fn append(&mut self, later: &AgentSeries) {
        self.cpu_ms_total.merge(&later.cpu_ms_total);
        self.stw_ms_total.merge(&later.stw_ms_total);
        self.records_dropped_total
            .merge(&later.records_dropped_total);
        self.write_errors_total.merge(&later.write_errors_total);
    }
}
