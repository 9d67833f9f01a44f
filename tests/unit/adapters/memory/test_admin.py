"""The twin's answers about groups."""

from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

PLACE = Partition("t", 0)


def test_members_and_what_they_own_are_known_by_client_id(cluster, own):
    """Control tells live processes from dead ones by it."""
    owner = own("hooklane-deliverer-0")
    owner.step()
    admin = cluster.admin()
    assert admin.members("g") == {"hooklane-deliverer-0"}
    assert admin.partitions_of("g") == {PLACE: "hooklane-deliverer-0"}


def test_commits_are_read_from_outside(cluster, own):
    """Also those of a group that is empty."""
    owner = own()
    owner.step()
    owner.member.commit({PLACE: Committed(offset=4, metadata="v1")})
    cluster.expel(owner.member)
    committed = cluster.admin().committed("g", [PLACE, Partition("t", 7)])
    assert committed == {PLACE: Committed(offset=4, metadata="v1")}


def test_warnings_are_those_the_cluster_was_told(cluster):
    """Tests choose what a broker is warned of."""
    cluster.warnings.append("too short")
    assert cluster.admin().check_broker() == ["too short"]
