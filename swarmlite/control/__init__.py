"""The manager's side of the loop: the view kept equal to the store, the controllers, dispatch, and the use cases."""
