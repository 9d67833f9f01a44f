import pytest
from pydantic import TypeAdapter

from hooklane.adapters.database_url import DatabaseUrl


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///hooklane.db", "sqlite:///hooklane.db"),
        ("postgresql://hooklane:s3cret@db:5432/x", "postgresql://hooklane:…@db:5432/x"),
        ("postgresql://hooklane:a%2Fb%40c@db/x", "postgresql://hooklane:…@db/x"),
        ("postgresql://hooklane@db/x", "postgresql://hooklane@db/x"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    """At start every setting is printed; the password stays out of logs."""
    found = TypeAdapter(DatabaseUrl).validate_python(url)
    assert (str(found), found.get_secret_value()) == (shown, url)
    assert "s3cret" not in repr(found)
