package subject;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/** The program's own count of what happened to the objects of one class: the truth that the agent is held against. */
final class Tally {
    private static final ConcurrentMap<String, Tally> ALL = new ConcurrentHashMap<>();

    /** Objects whose constructor was called by a command. */
    final AtomicLong made = new AtomicLong();
    /** {@code finalize()} calls that were entered. */
    final AtomicLong entered = new AtomicLong();

    private Tally() {
    }

    static Tally of(String name) {
        Tally fresh = new Tally();
        Tally known = ALL.putIfAbsent(name, fresh);
        return known == null ? fresh : known;
    }

    /** Called first in {@code finalize()}. Allocates nothing. */
    void enter() {
        entered.incrementAndGet();
        synchronized (this) {
            notifyAll();
        }
    }

    /** Collects until that many {@code finalize()} calls were entered; false when they never come. */
    boolean awaitEntered(long wanted) throws InterruptedException {
        for (int round = 0; round < 300 && entered.get() < wanted; round++) {
            System.gc();
            synchronized (this) {
                if (entered.get() < wanted) {
                    wait(100);
                }
            }
        }
        return entered.get() >= wanted;
    }

    Json json() {
        return new Json().with("made", made.get()).with("entered", entered.get());
    }
}
