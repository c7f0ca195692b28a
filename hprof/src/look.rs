//! A look at all objects of the dump, by as many threads as there are processors, each taking one part of the file
//! after the other.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::entry::{ClassDump, Root, Visitor, scan};
use crate::error::Error;
use crate::progress::{Phase, Progress};
use crate::source::Dump;
use crate::survey::Survey;
use crate::value::Type;

/// More threads than this wait for memory rather than for a processor.
const MOST_THREADS: usize = 8;

/// Tells every object to one of the visitors that `make` gives, one to a thread, and gives them back.
pub fn look<V: Visitor + Send>(
    dump: &Dump,
    survey: &Survey,
    progress: &Progress,
    phase: Phase,
    make: impl Fn() -> V + Sync,
) -> Result<Vec<V>, Error> {
    let all: Vec<usize> = (0..survey.chunks.len()).collect();
    look_at(dump, survey, &all, progress, phase, make)
}

/// The same for some parts of the dump.
pub fn look_at<V: Visitor + Send>(
    dump: &Dump,
    survey: &Survey,
    chunks: &[usize],
    progress: &Progress,
    phase: Phase,
    make: impl Fn() -> V + Sync,
) -> Result<Vec<V>, Error> {
    let bytes = |&chunk: &usize| survey.chunks[chunk].end - survey.chunks[chunk].start;
    progress.begin(phase, chunks.iter().map(bytes).sum());
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = || {
        let mut visitor = Once {
            visitor: make(),
            repeated: &survey.repeated,
            skipping: false,
        };
        let mut window = dump.window();
        while let Some(&number) = chunks.get(next.fetch_add(1, Relaxed)) {
            let chunk = &survey.chunks[number];
            visitor.visitor.chunk(number);
            if let Err(error) = scan(&mut window, dump.ids, chunk.clone(), &mut visitor) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                break;
            }
            progress.advance(chunk.end - chunk.start);
        }
        visitor.visitor
    };
    let processors = thread::available_parallelism().map_or(1, |count| count.get());
    let threads = processors.min(MOST_THREADS).min(chunks.len());
    let visitors = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut visitors = vec![work()];
        for other in others {
            match other.join() {
                Ok(visitor) => visitors.push(visitor),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        visitors
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(dump.failed(error)),
        None => Ok(visitors),
    }
}

/// Leaves out what repeats an object told before.
struct Once<'a, V> {
    visitor: V,
    repeated: &'a [u64],
    skipping: bool,
}

impl<V> Once<'_, V> {
    #[inline]
    fn skip(&self, at: u64) -> bool {
        !self.repeated.is_empty() && self.repeated.binary_search(&at).is_ok()
    }
}

impl<V: Visitor> Visitor for Once<'_, V> {
    const ELEMENTS: bool = V::ELEMENTS;

    fn root(&mut self, root: Root) {
        self.visitor.root(root);
    }

    fn class(&mut self, at: u64, class: ClassDump) {
        if !self.skip(at) {
            self.visitor.class(at, class);
        }
    }

    #[inline]
    fn instance(&mut self, at: u64, id: u64, class: u64, body: &[u8]) {
        if !self.skip(at) {
            self.visitor.instance(at, id, class, body);
        }
    }

    #[inline]
    fn object_array(&mut self, at: u64, id: u64, class: u64, length: u32) {
        self.skipping = self.skip(at);
        if !self.skipping {
            self.visitor.object_array(at, id, class, length);
        }
    }

    #[inline]
    fn elements(&mut self, elements: &[u8]) {
        if !self.skipping {
            self.visitor.elements(elements);
        }
    }

    #[inline]
    fn primitive_array(&mut self, at: u64, id: u64, element: Type, length: u32, body: u64) {
        if !self.skip(at) {
            self.visitor.primitive_array(at, id, element, length, body);
        }
    }
}
