/** Starts and ends. */
public final class Empty {
    private Empty() {}

    public static void main(String[] args) {}
}
