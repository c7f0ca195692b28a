import java.nio.file.Paths;
import java.util.concurrent.ThreadLocalRandom;

import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;

/** An index of Lucene's: documents replaced and searched in three threads. Arguments: {@code SECONDS DIRECTORY}. */
public final class LuceneIndex {
    private static final int DOCUMENTS = 40_000;
    private static final int WORDS = 50_000;

    private LuceneIndex() {}

    public static void main(String[] args) throws Exception {
        IndexWriterConfig config = new IndexWriterConfig(new StandardAnalyzer()).setRAMBufferSizeMB(8);
        try (Directory directory = FSDirectory.open(Paths.get(args[1], "index"));
                IndexWriter writer = new IndexWriter(directory, config)) {
            Load.run(args[0], 3, () -> {
                for (int i = 0; i < 200; i++) {
                    replace(writer);
                }
                search(writer);
            });
        }
    }

    private static void replace(IndexWriter writer) throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            text.append(word()).append(' ');
        }
        String id = Integer.toString(ThreadLocalRandom.current().nextInt(DOCUMENTS));
        Document document = new Document();
        document.add(new StringField("id", id, Field.Store.YES));
        document.add(new TextField("text", text.toString(), Field.Store.YES));
        writer.updateDocument(new Term("id", id), document);
    }

    private static void search(IndexWriter writer) throws Exception {
        try (DirectoryReader reader = DirectoryReader.open(writer)) {
            IndexSearcher searcher = new IndexSearcher(reader);
            for (int i = 0; i < 50; i++) {
                searcher.search(new TermQuery(new Term("text", word())), 10);
            }
        }
    }

    private static String word() {
        return "word" + ThreadLocalRandom.current().nextInt(WORDS);
    }
}
