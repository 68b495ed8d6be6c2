# What is tested: the line under the title of each post.
require "active_record"

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", database: ENV.fetch("RECIPE_DATABASE")
)

class Author < ActiveRecord::Base
  self.table_name = "author"
end

class Post < ActiveRecord::Base
  self.table_name = "post"
  belongs_to :author
end

def bylines
  posts = Post.order(:id)
  posts = posts.includes(:author) if ENV["MENDED"]
  posts.map { |post| "#{post.title} by #{post.author.name}" }
end
