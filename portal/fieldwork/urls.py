"""Addresses of the pages of projects and tasks."""

from django.urls import path

from portal.fieldwork.pages import boards, projects, tasks

app_name = "fieldwork"
urlpatterns = [
    path("projects", projects.project_list, name="project_list"),
    path("projects/export.<slug:kind>", projects.project_export, name="project_export"),
    path("projects/new", projects.project_create, name="project_create"),
    path("projects/<uuid:project_id>", projects.project_detail, name="project_detail"),
    path("projects/<uuid:project_id>/edit", projects.project_edit, name="project_edit"),
    path("projects/<uuid:project_id>/status", projects.project_status, name="project_status"),
    path("projects/<uuid:project_id>/delete", projects.project_delete, name="project_delete"),
    path("projects/<uuid:project_id>/members", projects.project_members, name="project_members"),
    path("projects/<uuid:project_id>/members/<uuid:user_id>/remove", projects.member_remove, name="member_remove"),
    path("projects/<uuid:project_id>/tasks", projects.project_tasks, name="project_tasks"),
    path("projects/<uuid:project_id>/history", projects.project_history, name="project_history"),
    path("tasks", tasks.task_list, name="task_list"),
    path("tasks/export.<slug:kind>", tasks.task_export, name="task_export"),
    path("tasks/board", boards.task_board, name="task_board"),
    path("tasks/calendar", boards.task_calendar, name="task_calendar"),
    path("tasks/mine", tasks.task_mine, name="task_mine"),
    path("tasks/new", tasks.task_create, name="task_create"),
    path("tasks/bulk", tasks.task_bulk, name="task_bulk"),
    path("tasks/<uuid:task_id>", tasks.task_detail, name="task_detail"),
    path("tasks/<uuid:task_id>/edit", tasks.task_edit, name="task_edit"),
    path("tasks/<uuid:task_id>/delete", tasks.task_delete, name="task_delete"),
    path("tasks/<uuid:task_id>/history", tasks.task_history, name="task_history"),
    path("tasks/<uuid:task_id>/step", tasks.task_step, name="task_step"),
    path("tasks/<uuid:task_id>/move", boards.task_move, name="task_move"),
    path("tasks/<uuid:task_id>/comments", tasks.comment_add, name="comment_add"),
    path("tasks/<uuid:task_id>/comments/<uuid:comment_id>/delete", tasks.comment_delete, name="comment_delete"),
]
