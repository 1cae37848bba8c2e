"""The three-panel picture: scene, camera, renderers, captions."""
