/** Makes one object. One implementation per class of objects, so that a loop can make objects of many classes in turn. */
public interface Maker {
    Object make();
}
