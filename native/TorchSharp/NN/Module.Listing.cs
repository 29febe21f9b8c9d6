using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                HashSet<IntPtr> seen = new() { IntPtr.Zero };
                foreach ((string own, Parameter parameter) in _internal_params)
                {
                    if (seen.Add(parameter.handle))
                    {
                        yield return (own, parameter);
                    }
                }

                if (!recurse)
                {
                    yield break;
                }

                foreach ((string child, Module module) in _internal_submodules)
                {
                    foreach ((string inner, Parameter parameter) in module.named_parameters(true))
                    {
                        if (seen.Add(parameter.handle))
                        {
                            yield return ($"{child}.{inner}", parameter);
                        }
                    }
                }
            }

            /// <summary>As in TorchSharp, a buffer that is not persistent is not listed, whatever <paramref name="include_nonpersistent"/> says.</summary>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                HashSet<IntPtr> seen = new() { IntPtr.Zero };
                foreach ((string own, (Tensor buffer, bool persistent)) in _internal_buffers)
                {
                    if (persistent && seen.Add(buffer.handle))
                    {
                        yield return (own, buffer);
                    }
                }

                if (!recurse)
                {
                    yield break;
                }

                foreach ((string child, Module module) in _internal_submodules)
                {
                    foreach ((string inner, Tensor buffer) in module.named_buffers(true, include_nonpersistent))
                    {
                        if (seen.Add(buffer.handle))
                        {
                            yield return ($"{child}.{inner}", buffer);
                        }
                    }
                }
            }

            public virtual IEnumerable<(string name, Module module)> named_children()
            {
                foreach ((string child, Module module) in _internal_submodules)
                {
                    yield return (child, module);
                }
            }

            /// <summary>Every module below this one, children first, then theirs. Unlike PyTorch's, the module itself is not listed.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach ((string child, Module module) in _internal_submodules)
                {
                    yield return (child, module);
                }

                foreach ((string child, Module module) in _internal_submodules)
                {
                    foreach ((string inner, Module below) in module.named_modules())
                    {
                        yield return ($"{child}.{inner}", below);
                    }
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(entry => entry.parameter);

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(entry => entry.buffer);

            public virtual IEnumerable<Module> children() => named_children().Select(entry => entry.module);

            public virtual IEnumerable<Module> modules() => named_modules().Select(entry => entry.module);

            public virtual Parameter get_parameter(string target)
            {
                if (_internal_params.TryGetValue(target, out Parameter parameter))
                {
                    return parameter;
                }

                (Module child, string rest) = Descend(target);
                return child?.get_parameter(rest);
            }

            public virtual Tensor get_buffer(string target)
            {
                if (_internal_buffers.TryGetValue(target, out (Tensor, bool) buffer))
                {
                    return buffer.Item1;
                }

                (Module child, string rest) = Descend(target);
                return child?.get_buffer(rest);
            }

            public virtual bool has_parameter(string target)
            {
                if (_internal_params.ContainsKey(target))
                {
                    return true;
                }

                (Module child, string rest) = Descend(target);
                return child is not null && child.has_parameter(rest);
            }

            public virtual bool has_buffer(string target)
            {
                if (_internal_buffers.ContainsKey(target))
                {
                    return true;
                }

                (Module child, string rest) = Descend(target);
                return child is not null && child.has_buffer(rest);
            }

            private (Module Child, string Inner) Descend(string target)
            {
                int dot = target.IndexOf('.', StringComparison.Ordinal);
                if (dot < 0)
                {
                    return (null, null);
                }

                string first = target[..dot];
                return (named_children().FirstOrDefault(entry => entry.name == first).module, target[(dot + 1)..]);
            }
        }
    }
}
