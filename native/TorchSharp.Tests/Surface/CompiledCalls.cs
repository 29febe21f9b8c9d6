using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace TorchSharp.Tests.Surface;

/// <summary>What a compiled library wants of one referenced assembly: its types, members and base classes, in the lists' notation.</summary>
internal sealed class CompiledCalls
{
    private static readonly HashSet<string> s_unwrittenNamespaces = ["System", "System.Collections.Generic", "System.IO", "TorchSharp"];

    private readonly SortedSet<string> _types = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _members = new(StringComparer.Ordinal);
    private readonly List<(string Derived, TypeNode Base, HashSet<string> Overrides)> _derived = [];

    private CompiledCalls(MetadataReader metadata, string assembly)
    {
        var names = new Names(metadata);
        foreach (TypeReferenceHandle handle in metadata.TypeReferences)
        {
            if (ComesFrom(metadata, handle, assembly))
            {
                _types.Add(Names.Key(metadata, handle));
            }
        }

        foreach (MemberReference member in metadata.MemberReferences.Select(metadata.GetMemberReference))
        {
            if (TypeOf(metadata, names, member.Parent) is not { } type || !ComesFrom(metadata, type, assembly))
            {
                continue;
            }

            string at = $"{Names.Key(metadata, type)}::{metadata.GetString(member.Name)}";
            if (member.GetKind() == MemberReferenceKind.Field)
            {
                _members.Add($"{at}:{member.DecodeFieldSignature(names, null)}");
            }
            else
            {
                MethodSignature<TypeNode> signature = member.DecodeMethodSignature(names, null);
                string generic = signature.GenericParameterCount > 0 ? "`" + signature.GenericParameterCount : "";
                _members.Add($"{at}{generic}({string.Join(',', signature.ParameterTypes)}):{signature.ReturnType}");
            }
        }

        foreach (TypeDefinition type in metadata.TypeDefinitions.Select(metadata.GetTypeDefinition))
        {
            if (!type.BaseType.IsNil && TypeOf(metadata, names, type.BaseType) is { } b && ComesFrom(metadata, b, assembly))
            {
                TypeNode node = type.BaseType.Kind == HandleKind.TypeSpecification
                    ? metadata.GetTypeSpecification((TypeSpecificationHandle)type.BaseType).DecodeSignature(names, null)
                    : names.GetTypeFromReference(metadata, b, 0);
                HashSet<string> overrides =
                [
                    .. type.GetMethods().Select(metadata.GetMethodDefinition)
                        .Select(m => $"{metadata.GetString(m.Name)}({string.Join(',', m.DecodeSignature(names, null).ParameterTypes)})"),
                ];
                _derived.Add((metadata.GetString(type.Name), node, overrides));
            }
        }
    }

    /// <summary>Keys of the referenced types.</summary>
    public IReadOnlyCollection<string> Types => _types;

    /// <summary>Signatures of the referenced members, as <see cref="SurfaceLine.Signatures"/> writes them.</summary>
    public IReadOnlyCollection<string> Members => _members;

    /// <summary>Types of the library that derive from one of the assembly, with the names and parameters of their methods.</summary>
    public IReadOnlyList<(string Derived, TypeNode Base, HashSet<string> Overrides)> DerivedTypes => _derived;

    public static CompiledCalls Of(string library, string assembly)
    {
        using FileStream stream = File.OpenRead(library);
        using var file = new PEReader(stream);
        return new CompiledCalls(file.GetMetadataReader(), assembly);
    }

    private static TypeReferenceHandle? TypeOf(MetadataReader metadata, Names names, EntityHandle parent) => parent.Kind switch
    {
        HandleKind.TypeReference => (TypeReferenceHandle)parent,
        HandleKind.TypeSpecification => names.DefinitionOf(metadata.GetTypeSpecification((TypeSpecificationHandle)parent)),
        _ => null,
    };

    private static bool ComesFrom(MetadataReader metadata, TypeReferenceHandle handle, string assembly)
    {
        EntityHandle scope = metadata.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => ComesFrom(metadata, (TypeReferenceHandle)scope, assembly),
            HandleKind.AssemblyReference => metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) == assembly,
            _ => false,
        };
    }

    private sealed class Names(MetadataReader metadata) : ISignatureTypeProvider<TypeNode, object?>
    {
        public static string Key(MetadataReader metadata, TypeReferenceHandle handle)
        {
            (string name, int arity) = NameOf(metadata, handle);
            return arity == 0 ? name : $"{name}`{arity}";
        }

        /// <summary>The generic type of an instantiation; null for arrays, type parameters and the library's own types.</summary>
        public TypeReferenceHandle? DefinitionOf(TypeSpecification specification)
        {
            BlobReader blob = metadata.GetBlobReader(specification.Signature);
            if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
            {
                return null;
            }

            // Class or value type, then which one.
            blob.ReadByte();
            EntityHandle definition = blob.ReadTypeHandle();
            return definition.Kind == HandleKind.TypeReference ? (TypeReferenceHandle)definition : null;
        }

        public TypeNode GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            string name = NameOf(reader, handle).Name;
            return TypeNode.Leaf(name == "Decimal" ? "decimal" : name);
        }

        public TypeNode GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            TypeNode.Leaf(reader.GetString(reader.GetTypeDefinition(handle).Name));

        public TypeNode GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public TypeNode GetGenericInstantiation(TypeNode genericType, ImmutableArray<TypeNode> typeArguments) => new(genericType.Name, typeArguments);

        public TypeNode GetPrimitiveType(PrimitiveTypeCode typeCode) => TypeNode.Leaf(typeCode switch
        {
            PrimitiveTypeCode.Void => "void",
            PrimitiveTypeCode.Boolean => "bool",
            PrimitiveTypeCode.Byte => "byte",
            PrimitiveTypeCode.SByte => "sbyte",
            PrimitiveTypeCode.Int16 => "short",
            PrimitiveTypeCode.UInt16 => "ushort",
            PrimitiveTypeCode.Int32 => "int",
            PrimitiveTypeCode.UInt32 => "uint",
            PrimitiveTypeCode.Int64 => "long",
            PrimitiveTypeCode.UInt64 => "ulong",
            PrimitiveTypeCode.Single => "float",
            PrimitiveTypeCode.Double => "double",
            PrimitiveTypeCode.Char => "char",
            PrimitiveTypeCode.String => "string",
            PrimitiveTypeCode.Object => "object",
            _ => typeCode.ToString(),
        });

        public TypeNode GetSZArrayType(TypeNode elementType) => new("[]", [elementType]);

        public TypeNode GetArrayType(TypeNode elementType, ArrayShape shape) => new($"[{shape.Rank}]", [elementType]);

        public TypeNode GetByReferenceType(TypeNode elementType) => new("&", [elementType]);

        public TypeNode GetPointerType(TypeNode elementType) => new("*", [elementType]);

        public TypeNode GetFunctionPointerType(MethodSignature<TypeNode> signature) => TypeNode.Leaf("delegate*");

        public TypeNode GetGenericTypeParameter(object? genericContext, int index) => TypeNode.Leaf("!" + index);

        public TypeNode GetGenericMethodParameter(object? genericContext, int index) => TypeNode.Leaf("!!" + index);

        public TypeNode GetModifiedType(TypeNode modifier, TypeNode unmodifiedType, bool isRequired) => unmodifiedType;

        public TypeNode GetPinnedType(TypeNode elementType) => elementType;

        private static (string Name, int Arity) NameOf(MetadataReader metadata, TypeReferenceHandle handle)
        {
            TypeReference reference = metadata.GetTypeReference(handle);
            string[] parts = metadata.GetString(reference.Name).Split('`');
            int arity = parts.Length > 1 ? int.Parse(parts[1]) : 0;
            if (reference.ResolutionScope.Kind == HandleKind.TypeReference)
            {
                (string outer, int outerArity) = NameOf(metadata, (TypeReferenceHandle)reference.ResolutionScope);
                return ($"{outer}.{parts[0]}", outerArity + arity);
            }

            string ns = metadata.GetString(reference.Namespace);
            return (ns.Length == 0 || s_unwrittenNamespaces.Contains(ns) ? parts[0] : $"{ns}.{parts[0]}", arity);
        }
    }
}
