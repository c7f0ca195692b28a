package subject;

/** The ordinary finalizable object. */
class Plain {
    private static final Tally TALLY = Tally.of("subject.Plain");

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() throws Throwable {
        TALLY.enter();
    }
}

/** Inherits its finalizer: the ledger's class is the object's own. */
class Child extends Plain {
}

/** An empty override switches finalization off, although the parent has it. */
class Silenced extends Plain {
    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
    }
}

/** Looks like it, is not: only name and descriptor {@code finalize()V} decide. */
class Lookalike {
    @SuppressWarnings("unused")
    int finalize(int argument) {
        return argument;
    }
}

/** Copied by {@code clone()}, which runs no constructor. */
class Cloned implements Cloneable {
    private static final Tally TALLY = Tally.of("subject.Cloned");

    Cloned copy() throws CloneNotSupportedException {
        return (Cloned) clone();
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
    }
}

/** Made by deserialization, which runs only {@code Object}'s constructor. */
class Stored implements java.io.Serializable {
    private static final long serialVersionUID = 1;
    private static final Tally TALLY = Tally.of("subject.Stored");

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
    }
}

/** Made by reflection. */
class Reflected {
    private static final Tally TALLY = Tally.of("subject.Reflected");

    Reflected() {
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
    }
}

/** Its constructor fails after {@code Object}'s has returned: registered all the same. */
class Unfinished {
    private static final Tally TALLY = Tally.of("subject.Unfinished");

    Unfinished() {
        throw new IllegalStateException("on purpose");
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
    }
}

/** Its finalizer throws; the JDK swallows that. */
class Throwing {
    private static final Tally TALLY = Tally.of("subject.Throwing");

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
        throw new IllegalStateException("on purpose");
    }
}

/** Its finalizer makes it reachable again; it never runs a second time. */
class Resurrected {
    private static final Tally TALLY = Tally.of("subject.Resurrected");
    static final java.util.List<Resurrected> AGAIN = new java.util.ArrayList<>();

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        synchronized (AGAIN) {
            AGAIN.add(this);
        }
        TALLY.enter();
    }
}

/** Its finalizer takes five milliseconds of work. */
class Slow {
    static final long NANOSECONDS = 5_000_000;
    private static final Tally TALLY = Tally.of("subject.Slow");

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        long end = System.nanoTime() + NANOSECONDS;
        while (System.nanoTime() - end < 0) {
            TALLY.entered.get();
        }
        TALLY.enter();
    }
}

/** Its finalizer does not return until it is told to. */
class Stuck {
    private static final Tally TALLY = Tally.of("subject.Stuck");
    static final java.util.concurrent.Semaphore RELEASE = new java.util.concurrent.Semaphore(0);

    @SuppressWarnings("unused")
    private final Object referred;

    Stuck(Object referred) {
        this.referred = referred;
    }

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
        RELEASE.acquireUninterruptibly();
    }
}

/** Made on virtual threads. */
class Virtual {
    private static final Tally TALLY = Tally.of("subject.Virtual");

    @Override
    @SuppressWarnings({"deprecation", "removal"})
    protected void finalize() {
        TALLY.enter();
    }
}
