using System;

namespace TorchSharp.Utils;

/// <summary>The name under which <c>RegisterComponents</c> registers a field, where it is not the field's own.</summary>
[AttributeUsage(AttributeTargets.Field, AllowMultiple = false, Inherited = true)]
public class ComponentNameAttribute : Attribute
{
    public ComponentNameAttribute()
    {
    }

    public string Name { get; set; }
}
