# Fail the test that holds a loop: include NoLoops in a test case.
module NoLoops
  LOOPS = <<~SQL.freeze
    SELECT pattern, calls, coalesce(link, query) AS link, coalesce(advice, '') AS advice
      FROM pg_nplusone_session
     WHERE confidence <> 'suspected' AND NOT muted
  SQL

  def assert_no_loops
    connection = ActiveRecord::Base.connection
    connection.execute("SELECT pg_nplusone_session_reset()")
    result = yield
    found = connection.select_rows(LOOPS).map do |pattern, calls, link, advice|
      "#{pattern}, #{calls} executions: #{link} #{advice}"
    end
    assert_empty found, "the test holds a loop"
    result
  end
end
