/** A Ruby script: hashes, JSON, compression and files in four threads. Arguments: {@code SECONDS}. */
public final class JRubyScript {
    private static final String SCRIPT = String.join("\n",
            "require 'zlib'",
            "require 'tempfile'",
            "require 'json'",
            "last = Time.now + ARGV[0].to_i",
            "4.times.map { Thread.new {",
            "  while Time.now < last",
            "    hash = {}",
            "    2000.times { |i| hash[\"key #{i}\"] = [i, i.to_s * 3] }",
            "    json = JSON.generate(hash)",
            "    Zlib::Inflate.inflate(Zlib::Deflate.deflate(json)) == json or raise 'not the same'",
            "    file = Tempfile.new('json')",
            "    file.write(json)",
            "    file.close",
            "    JSON.parse(File.read(file.path)).size == 2000 or raise 'not all'",
            "    file.unlink",
            "  end",
            "} }.each(&:join)");

    private JRubyScript() {}

    public static void main(String[] args) {
        org.jruby.Main.main(new String[] {"-e", SCRIPT, args[0]});
    }
}
