import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * javac over the sources of a library, in this JVM.
 *
 * <p>Arguments: {@code SOURCE_DIRECTORY OUTPUT_DIRECTORY REPETITIONS}. Reports {@code cpu_ms} (all threads) and
 * {@code elapsed_ms} of a repetition.
 */
public final class CompilerWorkload {
    private CompilerWorkload() {}

    public static void main(String[] args) throws Exception {
        List<Path> sources = sources(Paths.get(args[0]));
        Path output = Files.createDirectories(Paths.get(args[1]));
        double[] cpu = new double[Integer.parseInt(args[2])];
        double[] elapsed = new double[cpu.length];
        for (int r = 0; r < cpu.length; r++) {
            long cpuBefore = CpuClock.processNanos();
            long start = System.nanoTime();
            compile(sources, output);
            elapsed[r] = (System.nanoTime() - start) / 1e6;
            cpu[r] = (CpuClock.processNanos() - cpuBefore) / 1e6;
        }
        Report.repetitions("cpu_ms", cpu);
        Report.repetitions("elapsed_ms", elapsed);
    }

    private static List<Path> sources(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> file.toString().endsWith(".java")).sorted().collect(Collectors.toList());
        }
    }

    private static void compile(List<Path> sources, Path output) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new IllegalStateException("this Java runtime has no compiler: run it with a JDK");
        }
        List<String> options = Arrays.asList("-proc:none", "-nowarn", "-implicit:none", "-encoding", "UTF-8", "-d", output.toString());
        List<java.io.File> files = new ArrayList<>();
        for (Path source : sources) {
            files.add(source.toFile());
        }
        try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
            if (!compiler.getTask(null, manager, null, options, null, manager.getJavaFileObjectsFromFiles(files)).call()) {
                throw new IllegalStateException("the sources do not compile");
            }
        }
    }
}
