"""What a person sees of a plan: the picture and the page. Nothing here knows how a plan was found."""
