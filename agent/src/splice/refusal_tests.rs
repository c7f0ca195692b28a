//! Classes that are well formed but not what the redirections know: refused, in words.

use std::fs;
use std::path::Path;

use super::class_file::ClassFile;
use super::constant_pool::{Constant, METHODREF};
use super::instruction::{ICONST_1, INVOKESTATIC, NEW, NOP};
use super::refused::Result;
use super::{Refused, check, finalizer, reference_queue, shim};

fn class(name: &str) -> ClassFile {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/17/shipped");
    ClassFile::parse(&fs::read(golden.join(name).with_extension("class")).unwrap()).unwrap()
}

fn method(class: &ClassFile, name: &str) -> usize {
    (0..class.methods.len())
        .find(|each| class.method_name(*each).unwrap() == name.as_bytes())
        .unwrap()
}

/// Changes the bytes of a method's code, keeping their number.
fn change_code(class: &mut ClassFile, name: &str, change: impl Fn(&mut [u8])) {
    let method = method(class, name);
    let mut code = class.code(method).unwrap().unwrap();
    change(&mut code.bytes);
    class.set_code(method, &code).unwrap();
}

fn message(redirection: fn(&[u8]) -> Result<Vec<u8>>, class: &ClassFile) -> String {
    match redirection(&class.write().unwrap()) {
        Err(refused @ Refused::Shape { .. }) => refused.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_registration_of_another_shape() {
    let mut changed = class("Finalizer");
    // new, dup, aload_0, invokespecial, pop, return
    change_code(&mut changed, "register", |code| code[8] = NOP);
    assert_eq!(
        message(finalizer, &changed),
        "java.lang.ref.Finalizer.register(Object): expected exactly one `new Finalizer; dup; aload_0; \
         invokespecial <init>; pop`, entered from the top only, and then the return, found \
         `new java/lang/ref/Finalizer; dup; aload_0; invokespecial java/lang/ref/Finalizer.<init>; nop; return`"
    );
}

#[test]
fn something_behind_the_registration() {
    let mut changed = class("Finalizer");
    // return
    change_code(&mut changed, "register", |code| code[9] = NOP);
    assert!(message(finalizer, &changed).contains("and then the return, found"));
}

#[test]
fn no_registration_and_two_of_them() {
    let mut none = class("Finalizer");
    change_code(&mut none, "register", |code| code[..9].fill(NOP));
    assert!(message(finalizer, &none).ends_with("found 0 in the class"));
    let mut two = class("Finalizer");
    let index = two.code(method(&two, "register")).unwrap().unwrap().bytes[1..3].to_vec();
    change_code(&mut two, "runFinalizer", |code| {
        let new = code.iter().position(|byte| *byte == NEW).unwrap();
        code[new + 1..new + 3].copy_from_slice(&index);
    });
    assert!(message(finalizer, &two).ends_with("found 2 in the class"));
}

#[test]
fn the_object_overwritten_before_it_is_registered() {
    let mut changed = class("Finalizer");
    let number = method(&changed, "register");
    let mut code = changed.code(number).unwrap().unwrap();
    // Unreachable, but who knows what for.
    code.bytes.extend([0x4b, 0xb1]);
    changed.set_code(number, &code).unwrap();
    assert!(message(finalizer, &changed).ends_with("found a store to it"));
}

#[test]
fn a_branch_into_the_registration() {
    let mut changed = class("Finalizer");
    let number = method(&changed, "register");
    let mut code = changed.code(number).unwrap().unwrap();
    // goto 3, the `dup`
    code.bytes.extend([167, 0xff, 0xf9]);
    changed.set_code(number, &code).unwrap();
    assert!(message(finalizer, &changed).ends_with("a branch or frame at 3 in the midst of it"));
}

#[test]
fn a_registration_in_another_method() {
    let mut changed = class("Finalizer");
    let number = method(&changed, "register");
    changed.methods[number].name = changed.pool.intern_utf8(b"enrol").unwrap();
    assert!(message(finalizer, &changed).ends_with("found it in enrol(Ljava/lang/Object;)V"));
    let mut changed = class("Finalizer");
    changed.methods[number].access &= !8;
    assert!(message(finalizer, &changed).contains("static or not as always"));
}

#[test]
fn half_of_the_hooks() {
    let mut half =
        ClassFile::parse(&finalizer(&class("Finalizer").write().unwrap()).unwrap()).unwrap();
    change_code(&mut half, "register", |code| code[13..16].fill(NOP));
    assert!(message(finalizer, &half).ends_with("found calls to invokeFinalize"));
}

#[test]
fn another_interface_to_finalize_through() {
    let mut changed = class("Finalizer");
    let number = method(&changed, "runFinalizer");
    changed.methods[number].descriptor = changed.pool.intern_utf8(b"(Lother/Access;)V").unwrap();
    assert!(
        message(finalizer, &changed)
            .ends_with("found `invokeinterface jdk/internal/access/JavaLangAccess.invokeFinalize`")
    );
}

#[test]
fn a_queue_that_counts_otherwise() {
    let site = |code: &[u8]| {
        code.windows(2)
            .position(|pair| pair == [ICONST_1, INVOKESTATIC])
            .unwrap()
    };
    let mut two = class("ReferenceQueue");
    change_code(&mut two, "enqueue", |code| code[site(code)] = ICONST_1 + 1);
    assert!(
        message(reference_queue, &two)
            .ends_with("found `iconst_2; invokestatic jdk/internal/misc/VM.addFinalRefCount`")
    );
    let mut none = class("ReferenceQueue");
    change_code(&mut none, "enqueue", |code| {
        let site = site(code);
        code[site..site + 4].fill(NOP);
    });
    assert!(message(reference_queue, &none).ends_with("found 0 in the class"));
    // lstore_0 overwrites local 1 as well.
    let mut stored = class("ReferenceQueue");
    let number = method(&stored, "enqueue");
    let mut code = stored.code(number).unwrap().unwrap();
    code.bytes.extend([0x3f, 0xb1]);
    stored.set_code(number, &code).unwrap();
    assert!(message(reference_queue, &stored).ends_with("found a store to it"));
}

#[test]
fn another_class() {
    let refused = message(finalizer, &class("ReferenceQueue"));
    assert_eq!(
        refused,
        "the class to redirect: expected java/lang/ref/Finalizer, found java/lang/ref/ReferenceQueue"
    );
}

#[test]
fn a_full_constant_pool() {
    let full = class("Finalizer");
    let mut class_file = full.write().unwrap();
    // Empty strings: three bytes each, straight into the file behind the last constant.
    let count = full.pool.constants().len();
    let mut pool = Vec::new();
    full.pool.write(&mut pool).unwrap();
    let end = 8 + pool.len();
    let missing = 65_530 - count;
    class_file.splice(end..end, std::iter::repeat_n([1, 0, 0], missing).flatten());
    class_file[8..10].copy_from_slice(&65_530_u16.to_be_bytes());
    check(&class_file).unwrap();
    let refused = finalizer(&class_file);
    assert_eq!(
        refused,
        Err(Refused::NoRoom(
            "the constant pool would exceed 65535 entries"
        ))
    );
}

/// A class that calls VM.addFinalRefCount, names VMSupport, and has "sun/misc/VM" for a string.
fn shim_like() -> ClassFile {
    let mut class = class("ReferenceQueue");
    let pool = &mut class.pool;
    pool.intern_method("sun/misc/VM", "addFinalRefCount", b"(I)V")
        .unwrap();
    pool.intern_method(
        "sun/misc/VMSupport",
        "take",
        b"([[Lsun/misc/VM;JLsun/misc/VMSupport;)Lsun/misc/VM;",
    )
    .unwrap();
    let string = pool.intern_utf8(b"sun/misc/VM").unwrap();
    pool.intern(Constant::Other {
        tag: 8,
        bytes: string.to_be_bytes().to_vec(),
    })
    .unwrap();
    let array = pool.intern_utf8(b"[Lsun/misc/VM;").unwrap();
    pool.intern(Constant::Class { name: array }).unwrap();
    class.methods[0].descriptor = pool.intern_utf8(b"(Lsun/misc/VM;)V").unwrap();
    class
}

#[test]
fn a_shim_is_renamed_where_a_class_is_meant() {
    let renamed = shim(&shim_like().write().unwrap(), &[("sun/misc/VM", "jdk/VM")]).unwrap();
    let class = ClassFile::parse(&renamed).unwrap();
    let pool = &class.pool;
    let members: Vec<String> = pool
        .members()
        .filter(|member| member.tag == METHODREF)
        .map(|each| [each.owner, b".", each.name, each.descriptor].concat())
        .map(|each| String::from_utf8(each).unwrap())
        .collect();
    assert!(
        members.contains(&"jdk/VM.addFinalRefCount(I)V".to_owned()),
        "{members:?}"
    );
    let take = "sun/misc/VMSupport.take([[Ljdk/VM;JLsun/misc/VMSupport;)Ljdk/VM;".to_owned();
    assert!(members.contains(&take), "{members:?}");
    let classes: Vec<&[u8]> = (0..65_535)
        .filter_map(|index| pool.class_name(index).ok())
        .collect();
    assert!(classes.contains(&&b"[Ljdk/VM;"[..]));
    assert!(!classes.contains(&&b"sun/misc/VM"[..]));
    let string = pool
        .constants()
        .iter()
        .rev()
        .find_map(|constant| match constant {
            Constant::Other { tag: 8, bytes } => Some(u16::from_be_bytes([bytes[0], bytes[1]])),
            _ => None,
        });
    assert_eq!(pool.utf8(string.unwrap()), Ok(&b"sun/misc/VM"[..]));
    assert_eq!(class.method_descriptor(0), Ok(&b"(Ljdk/VM;)V"[..]));
}

#[test]
fn a_shim_with_a_generic_signature_over_a_renamed_class() {
    let mut class = shim_like();
    let signature = class
        .pool
        .intern_utf8(b"Ljava/util/List<Lsun/misc/VM;>;")
        .unwrap();
    let method = method(&class, "enqueue");
    let name = class.pool.intern_utf8(b"Signature").unwrap();
    for attribute in class.methods[method]
        .attributes
        .iter_mut()
        .filter(|each| each.name == name)
    {
        attribute.info = signature.to_be_bytes().to_vec();
    }
    let refused = shim(&class.write().unwrap(), &[("sun/misc/VM", "jdk/VM")]);
    assert!(
        matches!(
            refused,
            Err(Refused::Shape {
                place: "the shim",
                ..
            })
        ),
        "{refused:?}"
    );
}

/// It would become a call to the hook as soon as constants are added.
#[test]
fn a_call_to_the_first_constant_that_is_not_there() {
    let mut dangling = class("Finalizer");
    let beyond = u16::try_from(dangling.pool.constants().len()).unwrap();
    for index in beyond..beyond + 12 {
        change_code(&mut dangling, "runFinalizer", |code| {
            let end = code.len() - 1;
            code[end - 2..end].copy_from_slice(&index.to_be_bytes());
        });
        let refused = finalizer(&dangling.write().unwrap());
        assert!(matches!(refused, Err(Refused::Malformed(_))), "{refused:?}");
    }
}
