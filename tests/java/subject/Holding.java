package subject;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.ref.Reference;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Commands that hold finalizable objects in ways that a heap dump shall tell, each way with a class of its own. */
final class Holding {
    private static final int HOUR_MS = 3_600_000;

    private static Timer timer;
    private static ScheduledThreadPoolExecutor executor;
    private static final Map<Integer, StaticHeld> STATIC_MAP = new HashMap<>();
    private static final Map<Integer, Reference<SoftlyHeld>> SOFT_MAP = new HashMap<>();
    private static final List<Sharer> SHARERS = new ArrayList<>();
    private static Object[] far;
    private static final List<Payload> PAYLOADS = new ArrayList<>();
    private static byte[] kept;
    static final ReentrantLock LOCK = new ReentrantLock();

    private Holding() {
    }

    static void commands(Map<String, Driver.Command> commands) {
        commands.put("hold-timer", a -> timer(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("hold-executor", a -> executor(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("hold-local", a -> local(Integer.parseInt(a[0])));
        commands.put("hold-static", a -> inMap(Integer.parseInt(a[0])));
        commands.put("hold-softly", a -> softly(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("hold-softly-and-far", a -> softlyAndFar(Integer.parseInt(a[0])));
        commands.put("hold-softly-and-stack", a -> softlyAndStack(Integer.parseInt(a[0])));
        commands.put("hold-shared", a -> shared(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("hold-stack", a -> stack(Integer.parseInt(a[0])));
        commands.put("hold-virtual", a -> virtual(Integer.parseInt(a[0])));
        commands.put("hold-native", a -> inNative(Integer.parseInt(a[0])));
        commands.put("hold-payload", a -> payload(Integer.parseInt(a[0]), Integer.parseInt(a[1])));
        commands.put("drop-ring", a -> ring(Integer.parseInt(a[0])));
        commands.put("stuck-lock", a -> stuckAtLock());
        commands.put("dump", a -> dump(a[0]));
        commands.put("run-out", a -> runOut());
    }

    /** Something to be held, with a finalizer. */
    abstract static class Held {
        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() throws Throwable {
            Tally.of(getClass().getName()).enter();
        }
    }

    static final class TimerHeld extends Held {
        TimerTask task() {
            return new TimerTask() {
                @Override
                public void run() {
                    TimerHeld.this.hashCode();
                }
            };
        }
    }

    static final class ExecutorHeld extends Held {
    }

    static final class LocalHeld extends Held {
    }

    static final class StaticHeld extends Held {
    }

    static final class SoftlyHeld extends Held {
    }

    /** As caches have them: of a class of their own. */
    static final class Cached extends SoftReference<SoftlyHeld> {
        Cached(SoftlyHeld held) {
            super(held);
        }
    }

    static final class StackHeld extends Held {
    }

    static final class SharedHeld extends Held {
    }

    static final class Sharer {
        final SharedHeld held;

        Sharer(SharedHeld held) {
            this.held = held;
        }
    }

    static final class NativeHeld extends Held {
    }

    /** Holds an array of its own, one that all of them share, and one that somebody else holds too. */
    static final class Payload extends Held {
        final byte[] own;
        final byte[] shared;
        final byte[] foreign;

        Payload(int bytes, byte[] shared, byte[] foreign) {
            this.own = new byte[bytes];
            this.shared = shared;
            this.foreign = foreign;
        }
    }

    static final class Ring extends Held {
        Ring next;
    }

    /** A task that is due first keeps the timer's thread from looking at the others. */
    private static Json timer(int count, int cancelled) {
        timer = new Timer("holding-timer", true);
        timer.schedule(new TimerHeld().task(), HOUR_MS);
        long until = 0;
        for (int i = 0; i < count; i++) {
            TimerTask task = new TimerHeld().task();
            timer.schedule(task, HOUR_MS * 2L + i * 1000L);
            if (i < cancelled) {
                task.cancel();
                until = Math.max(until, task.scheduledExecutionTime());
            }
        }
        return new Json().with("until_ms", until);
    }

    private static Json executor(int count, int cancelled) {
        executor = new ScheduledThreadPoolExecutor(1, body -> {
            Thread thread = new Thread(body, "holding-executor");
            thread.setDaemon(true);
            return thread;
        });
        for (int i = 0; i < count; i++) {
            ExecutorHeld held = new ExecutorHeld();
            java.util.concurrent.Future<?> task = executor.schedule(held::hashCode, 1, TimeUnit.HOURS);
            if (i < cancelled) {
                task.cancel(false);
            }
        }
        return new Json().with("tasks", count);
    }

    private static Json local(int count) throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        Thread thread = new Thread(() -> holdInThreadLocals(count, ready), "holding-local");
        thread.setDaemon(true);
        thread.start();
        ready.await();
        return new Json().with("locals", count);
    }

    private static void holdInThreadLocals(int count, CountDownLatch ready) {
        List<ThreadLocal<LocalHeld>> locals = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ThreadLocal<LocalHeld> local = new ThreadLocal<>();
            local.set(new LocalHeld());
            locals.add(local);
        }
        ready.countDown();
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException ended) {
            locals.clear();
        }
    }

    /** Some by soft references, others by weak ones. */
    private static Json softly(int soft, int weak) {
        for (int i = 0; i < soft + weak; i++) {
            SoftlyHeld held = new SoftlyHeld();
            SOFT_MAP.put(i, i < soft ? new Cached(held) : new WeakReference<>(held));
        }
        return new Json().with("size", SOFT_MAP.size());
    }

    private static SoftlyHeld[] softly(int count) {
        SoftlyHeld[] all = new SoftlyHeld[count];
        for (int i = 0; i < count; i++) {
            all[i] = new SoftlyHeld();
            SOFT_MAP.put(i, new Cached(all[i]));
        }
        return all;
    }

    /** By soft references, and by a static field farther away; and as many by nobody. */
    private static Json softlyAndFar(int count) {
        Object[] all = softly(count);
        for (int i = 0; i < 10; i++) {
            all = new Object[] {all};
        }
        far = all;
        for (int i = 0; i < count; i++) {
            new SoftlyHeld();
        }
        return new Json().with("size", SOFT_MAP.size());
    }

    private static Json softlyAndStack(int count) throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        Thread thread = new Thread(() -> holdInFrame(softly(count), ready), "holding-stack");
        thread.setDaemon(true);
        thread.start();
        ready.await();
        return new Json().with("held", count);
    }

    /** Ten, each by many others; and some by nobody. */
    private static Json shared(int others, int nobodys) {
        SharedHeld[] all = new SharedHeld[10];
        for (int i = 0; i < all.length; i++) {
            all[i] = new SharedHeld();
        }
        for (int i = 0; i < others; i++) {
            SHARERS.add(new Sharer(all[i % all.length]));
        }
        for (int i = 0; i < nobodys; i++) {
            new SharedHeld();
        }
        return new Json().with("size", SHARERS.size());
    }

    private static Json stack(int count) throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        Thread thread = new Thread(() -> holdInFrame(count, ready), "holding-stack");
        thread.setDaemon(true);
        thread.start();
        ready.await();
        return new Json().with("held", count);
    }

    /**
     * What native code can call refers to the objects, and nothing in Java does: a JNI global reference. By reflection,
     * for a JDK before 22.
     */
    private static Json inNative(int count) throws Exception {
        NativeHeld[] all = new NativeHeld[count];
        for (int i = 0; i < count; i++) {
            all[i] = new NativeHeld();
        }
        MethodHandle called = MethodHandles.lookup()
                .findStatic(Holding.class, "called", MethodType.methodType(void.class, NativeHeld[].class))
                .bindTo(all);
        Class<?> linker = Class.forName("java.lang.foreign.Linker");
        Class<?> arena = Class.forName("java.lang.foreign.Arena");
        Class<?> descriptor = Class.forName("java.lang.foreign.FunctionDescriptor");
        Class<?> layouts = Class.forName("[Ljava.lang.foreign.MemoryLayout;");
        Class<?> options = Class.forName("[Ljava.lang.foreign.Linker$Option;");
        Object nothing = descriptor.getMethod("ofVoid", layouts)
                .invoke(null, (Object) Array.newInstance(layouts.getComponentType(), 0));
        linker.getMethod("upcallStub", MethodHandle.class, descriptor, arena, options).invoke(
                linker.getMethod("nativeLinker").invoke(null), called, nothing,
                arena.getMethod("global").invoke(null), Array.newInstance(options.getComponentType(), 0));
        return new Json().with("held", count);
    }

    private static void called(NativeHeld[] all) {
        all[0].hashCode();
    }

    /** A virtual thread that is not on a carrier while it waits; by reflection, for a JDK before 21. */
    private static Json virtual(int count) throws Exception {
        CountDownLatch ready = new CountDownLatch(1);
        Runnable body = () -> holdInFrame(count, ready);
        Thread thread = (Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, body);
        ready.await();
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
        return new Json().with("id", thread.getId());
    }

    private static void holdInFrame(int count, CountDownLatch ready) {
        StackHeld[] all = new StackHeld[count];
        for (int i = 0; i < count; i++) {
            all[i] = new StackHeld();
        }
        holdInFrame(all, ready);
    }

    private static void holdInFrame(Held[] all, CountDownLatch ready) {
        ready.countDown();
        try {
            Thread.sleep(Long.MAX_VALUE);
        } catch (InterruptedException ended) {
            all[0].hashCode();
        }
    }

    private static Json inMap(int count) {
        for (int i = 0; i < count; i++) {
            STATIC_MAP.put(i, new StaticHeld());
        }
        return new Json().with("held", STATIC_MAP.size());
    }

    private static Json payload(int count, int bytes) {
        byte[] shared = new byte[bytes];
        kept = new byte[bytes];
        for (int i = 0; i < count; i++) {
            PAYLOADS.add(new Payload(bytes, shared, kept));
        }
        return new Json().with("held", PAYLOADS.size());
    }

    /** Objects that refer to each other in a ring, and nobody else to them. */
    private static Json ring(int count) {
        Ring first = new Ring();
        Ring last = first;
        for (int i = 1; i < count; i++) {
            Ring next = new Ring();
            next.next = last;
            last = next;
        }
        first.next = last;
        return new Json().with("dropped", count);
    }

    /** Its finalizer waits for {@link #LOCK}. */
    static final class Locked {
        private static final Tally TALLY = Tally.of("subject.Holding$Locked");

        @Override
        @SuppressWarnings({"deprecation", "removal"})
        protected void finalize() {
            TALLY.enter();
            LOCK.lock();
            LOCK.unlock();
        }
    }

    /** Returns when the finalizer thread stands at {@link #LOCK}, which a thread of its own has and keeps. */
    private static Json stuckAtLock() throws Exception {
        CountDownLatch locked = new CountDownLatch(1);
        Thread owner = new Thread(() -> {
            LOCK.lock();
            locked.countDown();
            while (true) {
                java.util.concurrent.locks.LockSupport.park();
            }
        }, "lock-owner");
        owner.setDaemon(true);
        owner.start();
        locked.await();
        makeLocked();
        if (!Tally.of("subject.Holding$Locked").awaitEntered(1)) {
            return new Json().with("error", "the finalizer thread never came");
        }
        while (!LOCK.hasQueuedThreads()) {
            Thread.yield();
        }
        return new Json().with("owner", owner.getName());
    }

    private static void makeLocked() {
        new Locked();
    }

    /** The third way to a dump, beside jcmd and the flag. */
    private static Json dump(String file) throws Exception {
        java.lang.management.ManagementFactory.getPlatformMXBean(com.sun.management.HotSpotDiagnosticMXBean.class)
                .dumpHeap(file, true);
        return new Json().with("dumped", file);
    }

    /** Asks for memory until there is none. */
    private static Json runOut() {
        List<long[]> all = new ArrayList<>();
        try {
            while (true) {
                all.add(new long[1 << 16]);
            }
        } catch (OutOfMemoryError full) {
            int count = all.size();
            all.clear();
            return new Json().with("arrays", count);
        }
    }
}
