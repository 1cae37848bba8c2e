"""What a person sees of a plan: the picture and the page. Nothing here knows how a plan was found."""

from corecore.view.page import write_scene_html
from corecore.view.picture import PreviewResult, draw_preview
from corecore.view.scene import Scene, plan_hash

__all__ = ["PreviewResult", "Scene", "draw_preview", "plan_hash", "write_scene_html"]
