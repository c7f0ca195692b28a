//! Whole sources read on all processors.
//!
//! One thread reads and cuts into blocks, as many as there are processors work on blocks, and the caller's takes what
//! they made of them, in the order of the lines. The channels between them are short: a slow taker holds the reader
//! back, and memory stays flat.

use std::io;
use std::num::NonZero;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::block::{Block, Blocks};
use super::source::Source;

/// What the taker gets next: from a worker's own channel, so that the order is kept.
type Next<T> = Result<Receiver<T>, (usize, io::Error)>;

/// Reads the sources one after the other. `work` is called on blocks in no order, by several threads at once; `take`
/// gets what it made, in order. Gives the sources that could not be read to their end, by place, and why.
pub fn read<T: Send>(
    sources: Vec<Source>,
    work: impl Fn(Block) -> T + Sync,
    mut take: impl FnMut(T),
) -> Vec<(usize, io::Error)> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let (to_workers, blocks) = bounded::<(Block, Sender<T>)>(workers);
    let (to_taker, taken) = bounded::<Next<T>>(2 * workers);
    let work = &work;
    thread::scope(|scope| {
        scope.spawn(move || cut(sources, &to_workers, &to_taker));
        for _ in 0..workers {
            let blocks = blocks.clone();
            scope.spawn(move || {
                for (block, done) in blocks {
                    // The taker has gone away only when it panicked.
                    let _ = done.send(work(block));
                }
            });
        }
        drop(blocks);
        let mut failed = Vec::new();
        for next in taken {
            match next {
                // Nothing comes where the worker panicked: the scope passes that on.
                Ok(made) => made.into_iter().for_each(&mut take),
                Err(failure) => failed.push(failure),
            }
        }
        failed
    })
}

fn cut<T>(
    sources: Vec<Source>,
    to_workers: &Sender<(Block, Sender<T>)>,
    to_taker: &Sender<Next<T>>,
) {
    for (place, source) in sources.into_iter().enumerate() {
        let mut blocks = Blocks::new(source, place);
        while let Some(block) = blocks.next() {
            let (done, made) = bounded(1);
            if to_taker.send(Ok(made)).is_err() || to_workers.send((block, done)).is_err() {
                return;
            }
        }
        if let Some(error) = blocks.into_error()
            && to_taker.send(Err((place, error))).is_err()
        {
            return;
        }
    }
}
