"""Figures of the live board with many dispatchers: from a change to the last of 2,000 boards."""

import os
import resource
import time
from unittest.mock import patch

from backend_services.settings import load_settings
from tests.journey.city import add_delivery, add_driver, add_route, add_vehicle, ok, soon
from tests.journey.distributed import DistributedServer
from tests.journey.server import Server
from tests.webapp.board.crowd import Crowd, sign_in_many
from webapp import create_app
from webapp.live.hub import MOST_PER_ACCOUNT

BOARDS = 2_000
CHANGES = 40
APART_S = 0.5
BOUND_S = 10.0
