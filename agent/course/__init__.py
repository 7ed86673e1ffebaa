"""The course of one server through a run: looked at again, changed, restarted, proved, or put back and said so."""

from agent.course.course import Course
from agent.course.proxy import ProxyCourse, course
from agent.course.tools import Tools

__all__ = ["Course", "ProxyCourse", "Tools", "course"]
