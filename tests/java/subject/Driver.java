package subject;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The program that the tests watch. It does what the lines on its standard input say, one command a line, and answers
 * each with one line on standard output that begins with {@code @} and holds a JSON object: what it did and what it
 * counted itself, or {@code {"error": ...}}.
 *
 * <p>It does nothing between two commands, so a test that has read the answer knows that the program stands still.
 */
public final class Driver {
    interface Command {
        Json run(String[] arguments) throws Throwable;
    }

    private static final Map<String, Command> COMMANDS = new LinkedHashMap<>();

    private Driver() {
    }

    static {
        Objects.commands(COMMANDS);
        Collecting.commands(COMMANDS);
        Loading.commands(COMMANDS);
        Edges.commands(COMMANDS);
        Beans.commands(COMMANDS);
        Endings.commands(COMMANDS);
        Holding.commands(COMMANDS);
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        answer(new Json().with("ready", 1));
        String line;
        while ((line = input.readLine()) != null && !line.equals("return")) {
            answer(run(line.trim().split(" +")));
            Endings.throwIfAsked();
        }
    }

    private static Json run(String[] words) {
        Command command = COMMANDS.get(words[0]);
        if (command == null) {
            return new Json().with("error", "no command '" + words[0] + "', there are " + COMMANDS.keySet());
        }
        try {
            String[] arguments = new String[words.length - 1];
            System.arraycopy(words, 1, arguments, 0, arguments.length);
            return command.run(arguments);
        } catch (Throwable failure) {
            failure.printStackTrace();
            return new Json().with("error", failure.toString());
        }
    }

    private static void answer(Json answer) {
        System.out.println("@" + answer);
        System.out.flush();
    }
}
