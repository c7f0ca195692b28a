package subject;

import java.util.List;

/** A JSON object in the making: just what the answers of the {@link Driver} need. */
final class Json {
    private final StringBuilder text = new StringBuilder("{");

    Json with(String key, long value) {
        return member(key, Long.toString(value));
    }

    Json with(String key, String value) {
        return member(key, value == null ? "null" : quote(value));
    }

    Json with(String key, Json value) {
        return member(key, value.toString());
    }

    Json with(String key, List<Json> values) {
        return member(key, values.toString());
    }

    private Json member(String key, String value) {
        text.append(text.length() == 1 ? "" : ",").append(quote(key)).append(':').append(value);
        return this;
    }

    private static String quote(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    @Override
    public String toString() {
        return text + "}";
    }
}
