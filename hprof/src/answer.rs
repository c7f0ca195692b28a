//! The whole answer: every look at the dump, in order, and what they come to.

use std::thread;

use crate::addresses::Number;
use crate::classes::{ClassNumber, Classes};
use crate::classify::{Classified, Wanted, classify};
use crate::columns::Bits;
use crate::condition::{Damage, Gap, Note};
use crate::error::Error;
use crate::fetch::Fetcher;
use crate::finalizers::{Chain, FinalizerFields, Rows};
use crate::graph::Graph;
use crate::holders::Paths;
use crate::labels::Labels;
use crate::layout::Finder;
use crate::loaders::Loaders;
use crate::path::Holders;
use crate::progress::{Phase, Progress};
use crate::registry::{Counts, Registry};
use crate::retained::{Amount, CLASSES_AT_ONCE, Retained, Roots, retained};
use crate::rules::{Case, Finding, findings, is_much};
use crate::shape::Shapes;
use crate::sizes::Sizes;
use crate::source::Dump;
use crate::survey::{Survey, survey};
use crate::threads::{self, FINALIZING, Thread, Threads};

/// How much is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The chain and the counts per class.
    Summary,
    /// Retained sizes, holders and their meaning besides.
    Whole,
}

/// What a dump tells about finalization.
#[derive(Debug)]
pub struct Answer {
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// How long the dump is, unpacked.
    pub dump_bytes: u64,
    /// All objects in it, sizes as in the JVM's heap.
    pub heap: Amount,
    /// What is wrong with it.
    pub damage: Vec<Damage>,
    /// What else to know of it.
    pub notes: Vec<Note>,
    /// The chain; `None` where the dump has no `java.lang.ref.Finalizer` as HotSpot has it.
    pub chain: Option<ChainFacts>,
    /// All counts together.
    pub total: Counts,
    /// All Finalizers.
    pub finalizers: Amount,
    /// Finalizers, finalizable objects and what only they keep alive; `None` in a summary.
    pub retained: Option<Amount>,
    /// Per class, those with most registered objects first.
    pub classes: Vec<ClassFacts>,
    /// The threads that finalize, and the Reference Handler.
    pub threads: Vec<Thread>,
    /// Who holds the instances, for the classes with most held objects.
    pub holders: Vec<Holders>,
    /// What it means; nothing in a summary.
    pub findings: Vec<Finding>,
}

impl Answer {
    /// Whether nothing about finalization is worth a word: no rule found anything, there are fewer than [`FEW`] objects
    /// registered or running, and less than a hundredth of the heap hangs on them. Of a damaged dump nobody knows, and not
    /// from a summary.
    pub fn is_calm(&self) -> bool {
        let is_intact = |chain: &ChainFacts| chain.broken.is_none();
        let is_little = |retained: Amount| !is_much(retained.bytes, self.heap);
        self.findings.is_empty()
            && self.damage.is_empty()
            && self.chain.as_ref().is_some_and(is_intact)
            && self.total.registered + self.total.running < FEW
            && self.retained.is_some_and(is_little)
    }
}

/// The agent's default of `many`: fewer objects are never a leak or a backlog.
const FEW: u64 = 1000;

/// The unfinalized chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFacts {
    /// How many Finalizers are in it.
    pub length: u64,
    /// Why it is not as it should be.
    pub broken: Option<String>,
}

/// A class of finalizable objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassFacts {
    /// Its number.
    pub number: ClassNumber,
    /// Its name.
    pub class: String,
    /// Its loader: see [`Loaders`].
    pub loader: String,
    /// Registered, pending, running.
    pub counts: Counts,
    /// Instances that no Finalizer refers to: finalized and still in memory, or never registered.
    pub without_finalizer: u64,
    /// Their own size: of those that a Finalizer refers to.
    pub shallow_bytes: u64,
    /// What only they keep alive, themselves included and their Finalizers not; `None` in a summary and for the
    /// classes behind the first [`CLASSES_RETAINED`].
    pub retained: Option<Amount>,
}

/// Retained sizes are told for so many classes.
pub const CLASSES_RETAINED: usize = 3 * CLASSES_AT_ONCE;

/// Reads the dump and answers.
pub fn answer(dump: &Dump, depth: Depth, progress: &Progress) -> Result<Answer, Error> {
    let mut survey = survey(dump, progress)?;
    let finder = Finder {
        dump,
        classes: &survey.classes,
        names: &survey.names,
    };
    let shapes = Shapes::new(finder);
    let sizes = Sizes::infer(&survey.samples, &survey.index, &survey.classes, dump.ids);
    let fields = FinalizerFields::find(finder);
    let wanted = Wanted {
        shapes: &shapes,
        sizes: &sizes,
        graph: depth == Depth::Whole,
        finalizer: fields.as_ref(),
    };
    let mut classified = classify(dump, &survey, &wanted, progress)?;
    let head = fields
        .as_ref()
        .and_then(|fields| survey.index.number(fields.unfinalized));
    let chain = Chain::walk(head, &classified.finalizers, survey.index.len());
    let registry = Registry::new(
        &classified.finalizers,
        &classified.objects,
        survey.index.len(),
    );
    classified.finalizers = Rows::default();
    let fetcher = Fetcher {
        dump,
        survey: &survey,
        ranges: &classified.ranges,
        progress,
    };
    let threads = threads::read(fetcher)?;
    let reading = Reading {
        dump,
        survey: &survey,
        shapes: &shapes,
        sizes: &sizes,
        classified: &classified,
        registry: &registry,
    };
    let loaders = Loaders::read(fetcher, reading.loaders_wanted(depth))?;
    let mut answer = reading.summary(&loaders, &threads);
    answer.chain = fields.map(|_| ChainFacts {
        length: chain.length,
        broken: chain.broken.clone(),
    });
    if depth == Depth::Whole {
        reading.complete(&mut answer, &chain.members, &loaders, &threads, progress)?;
    }
    answer.damage = std::mem::take(&mut survey.damage);
    answer.notes = std::mem::take(&mut survey.notes);
    Ok(answer)
}

/// What is known after the second look.
struct Reading<'a> {
    dump: &'a Dump,
    survey: &'a Survey,
    shapes: &'a Shapes,
    sizes: &'a Sizes,
    classified: &'a Classified,
    registry: &'a Registry,
}

impl Reading<'_> {
    fn classes(&self) -> &Classes {
        &self.survey.classes
    }

    /// The classes whose loaders will be named or asked about.
    fn loaders_wanted(&self, depth: Depth) -> Vec<ClassNumber> {
        match depth {
            Depth::Summary => self.registry.classes.keys().copied().collect(),
            Depth::Whole => self.classes().iter().map(|(number, _)| number).collect(),
        }
    }

    fn summary(&self, loaders: &Loaders, threads: &Threads) -> Answer {
        let finalizers = self.registry.finalizers.count();
        let finalizer_bytes = self
            .shapes
            .finalizer
            .map_or(0, |class| self.sizes.instance(class));
        Answer {
            made_ms: self.dump.made_ms,
            dump_bytes: self.dump.length(),
            heap: Amount {
                objects: self.survey.index.len() as u64,
                bytes: self.classified.bytes,
            },
            damage: Vec::new(),
            notes: Vec::new(),
            chain: None,
            total: self.registry.total,
            finalizers: Amount {
                objects: finalizers,
                bytes: finalizers * finalizer_bytes,
            },
            retained: None,
            classes: self.class_facts(loaders),
            threads: finalizing(threads),
            holders: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn class_facts(&self, loaders: &Loaders) -> Vec<ClassFacts> {
        let fact = |(&number, &counts): (&ClassNumber, &Counts)| {
            let class = self.classes().get(number);
            let distinct = self.registry.distinct.get(&number).copied().unwrap_or(0);
            ClassFacts {
                number,
                class: class.name.clone(),
                loader: loaders.name(class.loader()),
                counts,
                without_finalizer: class.instances.saturating_sub(distinct),
                shallow_bytes: distinct * self.sizes.instance(number),
                retained: None,
            }
        };
        let mut facts: Vec<ClassFacts> = self.registry.classes.iter().map(fact).collect();
        facts.sort_by(|a, b| {
            let worst = |facts: &ClassFacts| {
                (
                    facts.counts.registered + facts.counts.running,
                    facts.shallow_bytes,
                )
            };
            worst(b)
                .cmp(&worst(a))
                .then_with(|| (&a.class, &a.loader).cmp(&(&b.class, &b.loader)))
        });
        facts
    }

    fn complete(
        &self,
        answer: &mut Answer,
        chain: &Bits,
        loaders: &Loaders,
        threads: &Threads,
        progress: &Progress,
    ) -> Result<(), Error> {
        let objects = &self.classified.objects;
        let graph = Graph::build(
            self.dump,
            self.survey,
            self.shapes,
            objects,
            loaders,
            progress,
        )?;
        progress.begin(Phase::Tracing, 0);
        let labels = Labels::new(self.survey, loaders, threads);
        let roots: Vec<Number> = labels.roots();
        let class_class = self.shapes.class_class;
        let roots = Roots {
            roots: &roots,
            chain,
        };
        let (sums, paths) = thread::scope(|scope| {
            let sums = scope.spawn(|| self.retained(&graph, roots, &answer.classes));
            let paths = Paths::find(&graph, objects, self.registry, class_class, &labels.seeds());
            match sums.join() {
                Ok(sums) => (sums, paths),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        answer.retained = Some(sums.all);
        for (facts, retained) in answer.classes.iter_mut().zip(&sums.classes) {
            facts.retained = Some(*retained);
        }
        let finder = Finder {
            dump: self.dump,
            classes: self.classes(),
            names: &self.survey.names,
        };
        let gap = Gap::of(&self.survey.damage, &self.survey.roots);
        let told = crate::path::Told {
            finder,
            shapes: self.shapes,
            labels: &labels,
            threads,
            survey: self.survey,
            gap,
        };
        answer.holders = told.holders(&paths, &graph, objects, self.registry, &answer.classes);
        answer.findings = findings(&Case {
            finder,
            fetcher: Fetcher {
                dump: self.dump,
                survey: self.survey,
                ranges: &self.classified.ranges,
                progress,
            },
            told: &told,
            graph: &graph,
            objects,
            registry: self.registry,
            paths: &paths,
            retained: &sums,
            loaders,
            threads,
            total: answer.total,
            heap: answer.heap,
            facts: &answer.classes,
            holders: &answer.holders,
            gap,
            made_ms: self.dump.made_ms,
        })?;
        Ok(())
    }

    fn retained(&self, graph: &Graph, roots: Roots<'_>, facts: &[ClassFacts]) -> Retained {
        let numbers: Vec<ClassNumber> = facts
            .iter()
            .take(CLASSES_RETAINED)
            .map(|facts| facts.number)
            .collect();
        let (first, rest) = numbers.split_at(numbers.len().min(CLASSES_AT_ONCE));
        let objects = &self.classified.objects;
        let sums =
            |classes: &[ClassNumber]| retained(graph, objects, self.registry, roots, classes);
        let mut all = sums(first);
        for classes in rest.chunks(CLASSES_AT_ONCE) {
            all.classes.extend(sums(classes).classes);
        }
        all
    }
}

/// The threads of [`FINALIZING`], in their order.
fn finalizing(threads: &Threads) -> Vec<Thread> {
    let found = threads.values().filter(|thread| thread.is_finalizing());
    let mut found: Vec<Thread> = found.cloned().collect();
    found.sort_by_key(|thread| {
        (
            FINALIZING.iter().position(|name| *name == thread.name),
            thread.serial,
        )
    });
    found
}
