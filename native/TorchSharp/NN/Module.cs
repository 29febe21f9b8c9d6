using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Parameters, buffers and submodules by name.</summary>
        public partial class Module : IDisposable
        {
            protected OrderedDict<string, Module> _internal_submodules = new();
            protected OrderedDict<string, (Tensor, bool)> _internal_buffers = new();
            protected OrderedDict<string, Parameter> _internal_params = new();
            protected string name;

            private bool _training = true;
            private bool _disposed;
            private bool _componentsRegistered;

            protected Module(string name)
            {
                this.name = name;
            }

            ~Module() => Dispose(false);

            /// <summary>In TorchSharp the native module knows it, whose handle is closed once the module is disposed.</summary>
            public virtual bool training
            {
                get
                {
                    ObjectDisposedException.ThrowIf(_disposed, this);
                    return _training;
                }
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || _disposed)
                {
                    return;
                }

                _disposed = true;
                foreach ((_, Tensor buffer) in named_buffers(false).ToList())
                {
                    buffer.DetachFromDisposeScope().Dispose();
                }

                foreach ((_, Parameter parameter) in named_parameters(false).ToList())
                {
                    parameter.DetachFromDisposeScope().Dispose();
                }

                foreach ((_, Module module) in named_modules().ToList())
                {
                    module.Dispose();
                }
            }

            public virtual string GetName() => string.IsNullOrEmpty(name) ? GetType().Name : name;

            public virtual void train(bool train = true)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _training = train;
                foreach ((_, Module child) in named_children())
                {
                    child.train(train);
                }
            }

            public virtual void eval() => train(false);

            public virtual Module apply(Action<Module> fn)
            {
                foreach ((_, Module child) in _internal_submodules)
                {
                    child.apply(fn);
                }

                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach ((_, Parameter parameter) in named_parameters())
                {
                    using Tensor grad = parameter.grad;
                    if (grad is null)
                    {
                        continue;
                    }

                    if (set_to_none)
                    {
                        parameter.grad = null;
                    }
                    else
                    {
                        grad.zero_().Dispose();
                    }
                }
            }

            /// <summary>Registers every field that holds a module, a parameter or a tensor under its name. A second call does nothing.</summary>
            protected virtual void RegisterComponents()
            {
                if (_componentsRegistered)
                {
                    return;
                }

                foreach (FieldInfo field in InstanceFields(GetType()))
                {
                    string component = field.ComponentName();
                    if (_internal_submodules.ContainsKey(component) || _internal_params.ContainsKey(component) || _internal_buffers.ContainsKey(component))
                    {
                        continue;
                    }

                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(component, module);
                            break;
                        case Parameter parameter:
                            register_parameter(component, parameter);
                            break;
                        case Tensor tensor:
                            register_buffer(component, tensor);
                            break;
                    }
                }

                _componentsRegistered = true;
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid)
                {
                    throw new ArgumentNullException(nameof(param), "A null or disposed tensor cannot be a parameter.");
                }

                if (!_internal_params.TryAdd(name, param))
                {
                    throw new InvalidOperationException($"The module has a parameter '{name}' already.");
                }
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid)
                {
                    throw new ArgumentNullException(nameof(tensor), "A null or disposed tensor cannot be a buffer.");
                }

                if (!_internal_buffers.TryAdd(name, (tensor, persistent)))
                {
                    throw new InvalidOperationException($"The module has a buffer '{name}' already.");
                }
            }

            public void add_module(string name, Module module) => register_module(name, module);

            /// <summary>Registers a submodule; null or a disposed module takes the name away.</summary>
            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null || submodule._disposed)
                {
                    _internal_submodules.Remove(name);
                    return;
                }

                if (string.IsNullOrEmpty(name) || name.Contains('.'))
                {
                    throw new ArgumentException($"'{name}' cannot name a submodule: it must not be empty and must not contain a dot.", nameof(name));
                }

                if (_internal_submodules.ContainsKey(name))
                {
                    throw new InvalidOperationException($"The module has a submodule '{name}' already.");
                }

                submodule.RegisterComponents();
                _internal_submodules.Add(name, submodule);
            }

            protected void ConditionallyRegisterParameter(string name, Tensor value) => ConditionallyRegisterParameter(name, value as Parameter);

            protected void ConditionallyRegisterParameter(string name, Parameter value)
            {
                if (value is null)
                {
                    _internal_params.Remove(name);
                }
                else
                {
                    _internal_params[name] = value;
                }
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor value, bool persistent = true)
            {
                if (value is null)
                {
                    _internal_buffers.Remove(name);
                }
                else
                {
                    _internal_buffers[name] = (value, persistent);
                }
            }

            protected void ClearModules() => _internal_submodules.clear();

            protected static (Device device, ScalarType dtype) GetDefaultDeviceAndType(Device device = null, ScalarType? dtype = null) =>
                (device ?? new Device(DeviceType.CPU), dtype ?? get_default_dtype());

            // A base class's private field is not among a derived type's fields; a hidden field of the same name is not meant.
            private static IEnumerable<FieldInfo> InstanceFields(Type type)
            {
                HashSet<string> seen = new();
                for (Type current = type; current is not null && current != typeof(object); current = current.BaseType)
                {
                    foreach (FieldInfo field in current.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
                    {
                        if (seen.Add(field.Name))
                        {
                            yield return field;
                        }
                    }
                }
            }
        }
    }
}
