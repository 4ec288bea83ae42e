"""Settings of customers: tags, and the fields that the organisation adds."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.accounts.policy import policy
from portal.core.common.errors import DomainError, NotFound
from portal.core.common.ids import parse_uuid
from portal.core.tenancy import scope
from portal.crm.customers import tags
from portal.crm.customers.models import CustomField
from portal.crm.customers.pages.forms import CustomFieldForm, TagForm
from portal.crm.settings import settings_frame
from portal.ui import answers


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def tag_list(request: HttpRequest) -> HttpResponse:
    """All tags with their use, and a form for a new one."""
    form = TagForm(request.POST or None)
    if form.is_valid():
        try:
            tags.tag_create(name=form.cleaned_data["name"], color=form.cleaned_data["color"])
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:settings_tags")
    context = settings_frame(request, "tags") | {"form": form, "rows": list(tags.tag_list())}
    return render(request, "crm/customers/tags.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def tag_edit(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    tag = tags.tag_get(id=tag_id)
    form = TagForm(request.POST or None, initial={"name": tag.name, "color": tag.color})
    if form.is_valid():
        try:
            tags.tag_update(id=tag_id, name=form.cleaned_data["name"], color=form.cleaned_data["color"])
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return redirect("crm:settings_tags")
    others = [row for row in tags.tag_list() if row.pk != tag_id]
    context = settings_frame(request, "tags") | {"form": form, "tag": tag, "others": others}
    return render(request, "crm/customers/tag.html", context, status=answers.form_status(form))


@require_POST
@policy("crm.settings")
def tag_act(request: HttpRequest, tag_id: UUID) -> HttpResponse:
    """Delete a tag, or merge it into another one."""
    if request.POST.get("do") == "merge":
        target = parse_uuid(request.POST.get("target", ""))
        if target is None:
            raise NotFound(_("There is no such tag."))
        refused = answers.refused(lambda: tags.tags_merge(target=target, sources=[tag_id]))
        return answers.back(request, refused, _("The tags are one now."), "crm:settings_tags")
    refused = answers.refused(lambda: tags.tag_delete(id=tag_id))
    return answers.back(request, refused, _("Tag deleted."), "crm:settings_tags")


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def field_list(request: HttpRequest) -> HttpResponse:
    """The organisation's own fields, and a form for a new one."""
    form = CustomFieldForm(request.POST or None, instance=CustomField(organization_id=scope.organization_id()))
    if form.is_valid():
        form.save()
        return redirect("crm:settings_fields")
    context = settings_frame(request, "fields") | {"form": form, "rows": CustomField.objects.all()}
    return render(request, "crm/customers/fields.html", context, status=answers.form_status(form))


@require_http_methods(["GET", "POST"])
@policy("crm.settings")
def field_edit(request: HttpRequest, custom_field_id: UUID) -> HttpResponse:
    form = CustomFieldForm(request.POST or None, instance=_field(custom_field_id))
    if form.is_valid():
        form.save()
        return redirect("crm:settings_fields")
    context = settings_frame(request, "fields") | {"form": form, "field": form.instance}
    return render(request, "crm/customers/field.html", context, status=answers.form_status(form))


@require_POST
@policy("crm.settings")
def field_delete(request: HttpRequest, custom_field_id: UUID) -> HttpResponse:
    """What customers hold under its key stays."""
    _field(custom_field_id).delete()
    return answers.back(request, None, _("The field is deleted."), "crm:settings_fields")


def _field(id: UUID) -> CustomField:
    found = CustomField.objects.filter(pk=id).first()
    if found is None:
        raise NotFound(_("There is no such field."))
    return found
