//! JNI references whose Java type is known from the method that returned them.
//!
//! `jni`'s own casts look classes up through the thread's context loader, which is the
//! application's; these don't.

use jni::{
    Env,
    errors::Result,
    objects::{JClass, JLongArray, JObject, JObjectArray, JString},
};

/// The class `java.lang.Class`, from any class.
pub fn class_of_classes<'local>(env: &mut Env<'local>, class: &JClass) -> Result<JClass<'local>> {
    env.get_object_class(class)
}

/// A reference that is to a class.
pub fn as_class<'local>(env: &mut Env<'local>, class: JObject<'local>) -> JClass<'local> {
    // SAFETY: the caller got it from a method whose result is a Class.
    unsafe { JClass::from_raw(env, class.into_raw()) }
}

/// An element of an array of objects, a local reference.
pub fn array_element<'local>(
    env: &mut Env<'local>,
    array: &JObject,
    index: usize,
) -> Result<JObject<'local>> {
    // SAFETY: the caller knows from the VM's own account that it is such an array.
    let array = unsafe { JObjectArray::<JObject<'static>>::from_raw(env, array.as_raw()) };
    array.get_element(env, index)
}

/// The text of a `java.lang.String`; `None` for null. Anything that UTF-8 can't say
/// becomes U+FFFD.
pub fn java_string(env: &Env, string: JObject) -> Result<Option<String>> {
    if string.as_raw().is_null() {
        return Ok(None);
    }
    // SAFETY: the caller got it from a method or field of type String.
    let string = unsafe { JString::from_raw(env, string.into_raw()) };
    string.try_to_string(env).map(Some)
}

/// The elements of an `Object[]`, a local reference each; `None` for null.
pub fn object_array<'local>(
    env: &mut Env<'local>,
    array: JObject<'local>,
) -> Result<Option<Vec<JObject<'local>>>> {
    if array.as_raw().is_null() {
        return Ok(None);
    }
    // SAFETY: the caller got it from a method whose result is an array of objects.
    let array = unsafe { JObjectArray::<JObject<'static>>::from_raw(env, array.into_raw()) };
    let length = array.len(env)?;
    (0..length)
        .map(|index| array.get_element(env, index))
        .collect::<Result<_>>()
        .map(Some)
}

/// The texts of a `String[]`, null ones empty.
pub fn string_array(env: &mut Env, array: JObject) -> Result<Vec<String>> {
    env.with_local_frame(16, |env| {
        if array.as_raw().is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: the caller got it from a method whose result is a String[].
        let array = unsafe { JObjectArray::<JObject<'static>>::from_raw(env, array.into_raw()) };
        let mut texts = Vec::new();
        for index in 0..array.len(env)? {
            let element = array.get_element(env, index)?;
            // SAFETY: an element of a String[].
            let element = unsafe { JString::from_raw(env, element.into_raw()) };
            texts.push(match element.as_raw().is_null() {
                true => String::new(),
                false => element.try_to_string(env)?,
            });
            env.delete_local_ref(element);
        }
        Ok(texts)
    })
}

/// The numbers of a `long[]`; empty for null.
pub fn long_array(env: &Env, array: JObject) -> Result<Vec<i64>> {
    if array.as_raw().is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the caller got it from a method whose result is a long[].
    let array = unsafe { JLongArray::from_raw(env, array.into_raw()) };
    let mut numbers = vec![0; array.len(env)?];
    array.get_region(env, 0, &mut numbers)?;
    Ok(numbers)
}
