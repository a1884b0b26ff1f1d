"""Views for programs: JSON, exports."""
