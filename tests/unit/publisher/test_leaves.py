"""What is wrong says its path, from the outermost value on."""

from hooklane.publisher.leaves import LOGICAL, PRIMITIVE, Wrong, wrong


def test_a_path_is_built_from_the_inside_out():
    """Each part around a value adds its step."""
    error = Wrong("is wrong", ".c")
    for step in ("[1]", ".b", ".a"):
        error.steps.append(step)
    assert error.path == "a.b[1].c"
    assert wrong("text", None).text == "should be text, not null"


def test_every_type_of_avro_has_its_reader():
    """Primitive and logical; an unheard-of logical type is its plain one."""
    assert set(PRIMITIVE) == {
        "null", "boolean", "int", "long", "float", "double", "bytes", "string"
    }  # fmt: skip
    assert {"decimal", "uuid", "date", "timestamp-millis"} <= set(LOGICAL)
