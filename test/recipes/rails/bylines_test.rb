require "minitest/autorun"
require_relative "blog"
require_relative "no_loops"

class BylinesTest < Minitest::Test
  include NoLoops

  def test_bylines
    assert_equal 10, assert_no_loops { bylines }.size
  end
end
