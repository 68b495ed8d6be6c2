#!/usr/bin/python3
"""The tests of the documentation notice what they are made to notice, and nothing else."""

import sys
import unittest

import markdown
from masks import mask
from psql import completed


def blocks(text):
    return markdown.read(text.split("\n"))


class Marks(unittest.TestCase):
    def test_sql_is_run_and_paired_with_what_follows(self):
        first, second = blocks("```sql\nSELECT 1;\n```\nwhich is\n```\n1\n```")
        self.assertTrue(first.is_run)
        self.assertFalse(second.is_run)
        self.assertIs(first.output, second)

    def test_output_of_another_section_is_another_matter(self):
        first, _ = blocks("```sql\nSELECT 1;\n```\n## Next\n```\n1\n```")
        self.assertIsNone(first.output)

    def test_file_stands_between(self):
        first, _, _ = blocks("```sql\nSELECT 1;\n```\n```ini\na = 1\n```\n```\n1\n```")
        self.assertIsNone(first.output)

    def test_not_run_needs_a_reason(self):
        with self.assertRaises(markdown.Fault):
            blocks("<!-- not run -->\n```sql\nSELECT 1;\n```")
        self.assertFalse(blocks("<!-- not run: it would stop the server -->\n```sql\nSELECT 1;\n```")[0].is_run)

    def test_marks_add_up_over_several_lines(self):
        block, = blocks("<!-- fails -->\n<!-- prepare:\nCREATE ROLE r;\n-->\n```sql\nSELECT 1;\n```")
        self.assertEqual(block.marks, {"fails": "", "prepare": "CREATE ROLE r;"})

    def test_mark_on_the_first_line_is_of_all(self):
        first, second = blocks("<!-- not run: three servers -->\n# Title\n```sql\nSELECT 1;\n```\n```sql\nSELECT 2;\n```")
        self.assertFalse(first.is_run or second.is_run)

    def test_block_that_does_not_end(self):
        with self.assertRaises(markdown.Fault):
            blocks("```sql\nSELECT 1;")

    def test_statement_that_does_not_end(self):
        self.assertEqual(completed("SELECT 1;        -- one"), "SELECT 1;        -- one")
        self.assertEqual(completed("SELECT 1 \\gx"), "SELECT 1 \\gx")
        self.assertNotEqual(completed("SELECT 1"), "SELECT 1")


TABLE = """ pattern    | calls | total_exec_time | tags
------------+-------+-----------------+------
 forward_fk |     8 |           0.044 |
(1 row)"""

RECORD = """-[ RECORD 1 ]---+-----------
clusterid       | -23423
pattern         | forward_fk
total_exec_time | 0.044
tags            | """


class Masks(unittest.TestCase):
    def same(self, one, other):
        self.assertEqual(mask(one), mask(other))

    def differ(self, one, other):
        self.assertNotEqual(mask(one), mask(other))

    def test_times_are_not_compared(self):
        self.same(TABLE, TABLE.replace("          0.044", "17.0"))
        self.same(RECORD, RECORD.replace("0.044", "1732.5").replace("-23423", "9"))
        self.same("wasted 0.39 ms ##---   8", "wasted 1.2 s  ######-  8")

    def test_all_else_is(self):
        self.differ(TABLE, TABLE.replace("  8 |", "  9 |"))
        self.differ(TABLE, TABLE.replace("forward", "reverse"))
        self.differ(TABLE, TABLE.replace("calls", "loops"))
        self.differ(TABLE, TABLE + "\nERROR:  no")
        self.differ(RECORD, RECORD.replace("forward", "reverse"))
        self.differ("wasted 0.39 ms ##---   8", "wasted 0.39 ms ##---   9")

    def test_nor_is_it_lost_that_there_is_none(self):
        self.differ(TABLE, TABLE.replace("0.044", "     "))
        self.differ(RECORD, RECORD.replace("0.044", ""))

    def test_columns_of_a_document(self):
        self.assertEqual(mask(TABLE, ["calls"]), mask(TABLE.replace("  8 |", "  9 |"), ["calls"]))

    def test_widths_follow_from_values(self):
        self.same(TABLE, TABLE.replace("forward_fk |", "forward_fk   |").replace("-+-------+", "---+-------+", 1)
                  .replace("pattern    |", "pattern      |"))


if __name__ == "__main__":
    outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(unittest.defaultTestLoader.loadTestsFromName("__main__"))
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed")
    sys.exit(bad > 0)
