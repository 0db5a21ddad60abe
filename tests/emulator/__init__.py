"""Raw requests to the emulator: what docs/cloudapi says of the server, and what it leaves open."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.raw")
