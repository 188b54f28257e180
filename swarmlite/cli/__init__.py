"""What a person types: parse, call, render. The only room that prints."""
