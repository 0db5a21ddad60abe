"""Raw requests to the emulator: each test is a row of cloudapi-observed.md."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.raw")
