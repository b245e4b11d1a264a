"""docs/failures.md: every row is there, and every test that it names exists."""

import importlib.util
import os
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Matrix(unittest.TestCase):
    def test_the_page_is_whole(self):
        spec = importlib.util.spec_from_file_location("matrix", os.path.join(TESTS, "matrix.py"))
        matrix = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(matrix)
        self.assertEqual(matrix.mistakes(), [])
